package import KubeAPI
package import Logging
import ServiceLifecycle

/// Holds or waits for a Lease. Runs until cancelled or gracefully shut down, and then gives the lease up.
package final class LeaderElector: Service, Sendable {
    package init(
        client: KubeClient, lease: ObjectKey, identity: String, timing: LeaseMachine.Timing = .init(),
        logger: Logger = Logger(label: "egret.lease")
    ) { fatalError("follows") }
    /// Ask before every write.
    package var isLeader: Bool { fatalError("follows") }
    package var holder: String? { fatalError("follows") }
    /// The current answer, then each change of it.
    package func leadership() -> AsyncStream<Bool> { fatalError("follows") }
    package func run() async throws { fatalError("follows") }
}
