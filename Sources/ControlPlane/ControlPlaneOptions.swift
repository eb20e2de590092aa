import Logging
import Telemetry

/// How one control plane runs. Everything here is fixed for the life of the process; what may change while it runs is in the
/// ConfigMap `egret-config`.
package struct ControlPlaneOptions: Hashable, Sendable {
    /// A kubeconfig file; nil uses the pod's service account, or what kubectl would use outside of a pod.
    package var kubeconfig: String?
    package var context: String?
    /// The system namespace.
    package var namespace = "kuma-system"
    package var bindAddress = "0.0.0.0"
    package var proxyPort = 5678
    package var diagnosticsPort = 5680
    package var apiPort = 5681
    package var apiTLSPort = 5682
    package var electsLeader = true
    /// Who we are in the Lease: the pod's name.
    package var identity: String

    package init(identity: String) { self.identity = identity }

    /// A port of the machine, 0 meaning any free one.
    package static func isPort(_ number: Int) -> Bool { (0...65535).contains(number) }
}
