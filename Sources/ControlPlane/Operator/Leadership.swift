package import KubeRuntime

/// Whether this replica writes.
package enum Leadership: Sendable {
    /// `--leader-elect=false`: there is one replica, and it is this one.
    case always
    case elected(LeaderElector)

    /// Ask before every write.
    package var isLeader: Bool {
        switch self {
        case .always: true
        case .elected(let elector): elector.isLeader
        }
    }

    package func changes() -> AsyncStream<Bool> {
        switch self {
        case .always: AsyncStream { $0.yield(true) }
        case .elected(let elector): elector.leadership()
        }
    }
}
