import FoundationEssentials

/// How a container's process ended.
struct Exit: Hashable, Sendable {
    var startedAt: Date
    var finishedAt: Date
    var status: ExitStatus
    var processIdentifier: Int32

    var code: Int {
        switch self.status {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
    var succeeded: Bool { self.status == .exited(0) }
}

enum ExitStatus: Hashable, Sendable {
    case exited(Int)
    case signaled(Int)
}

/// One container of a pod.
///
/// ```
/// waiting ──start──▶ starting ──started──▶ running ──exited──▶ waiting (restart)
///    ▲                  │ failed                │
///    └──────────────────┘                       └────▶ done (no restart)
/// ```
struct ContainerState: Hashable, Sendable {
    let spec: ContainerSpec
    var phase: Phase = .waiting(reason: "ContainerCreating", message: "", until: nil)
    var restarts = 0
    var last: Exit?
    /// Crashes in a row; the next restart waits for 2^(crashes − 2) seconds, the first not at all.
    var crashes = 0

    init(_ spec: ContainerSpec) { self.spec = spec }

    enum Phase: Hashable, Sendable {
        /// Not to be started before `until`.
        case waiting(reason: String, message: String, until: Date?)
        case starting
        case running(Running)
        case done(Exit)
    }

    struct Running: Hashable, Sendable {
        var startedAt: Date
        var processIdentifier: Int32
        var probes: [Probe.Kind: ProbeState]
        /// When the process is killed for good, once it has been asked to stop.
        var killAt: Date?
        var isKilled = false

        /// The startup probe has succeeded, or there is none.
        var hasStarted: Bool { self.probes[.startup]?.succeeded ?? true }
        var isReady: Bool { self.hasStarted && (self.probes[.readiness]?.succeeded ?? true) }
    }

    struct ProbeState: Hashable, Sendable {
        var nextAt: Date
        var isAsking = false
        var succeeded: Bool
        var inARow = 0
        var lastWasSuccess = false
    }

    var running: Running? { if case .running(let running) = self.phase { running } else { nil } }
    var exit: Exit? { if case .done(let exit) = self.phase { exit } else { nil } }
    var isReady: Bool { self.running?.isReady ?? false }
}
