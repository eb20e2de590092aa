import CLinux
import Routing
import Synchronization

/// What callers and the thread share.
final class ResolverCore: Sendable {
    struct State {
        var store: NameStore
        /// Names to begin a question for.
        var begin: [String] = []
        var wakeup: Int32 = -1
        var hasThread = false
        var isStopped = false
    }

    let policy: ResolverPolicy
    let metrics: ResolverMetrics?
    let state: Mutex<State>

    init(_ policy: ResolverPolicy, _ metrics: ResolverMetrics?) {
        self.policy = policy
        self.metrics = metrics
        self.state = Mutex(State(store: NameStore(policy)))
    }

    func resolve(_ name: String, _ callback: @escaping NameStore.Callback) -> ResolvedName? {
        let now = cl_monotonic_ns()
        return self.state.withLock { state in
            if !state.hasThread, let problem = self.startThread(&state) {
                return ResolvedName(addresses: [], problem: problem, validFor: self.policy.negative)
            }
            let asked = state.store.ask(name, now: now, callback)
            if asked.begins { state.begin.append(name) }
            if asked.begins || asked.changesSchedule { cl_eventfd_signal(state.wakeup) }
            return asked.answer
        }
    }

    /// Nil, or why there is none. The next question tries again.
    private func startThread(_ state: inout State) -> String? {
        let wakeup = cl_eventfd()
        let epoll = cl_epoll_create()
        var isStarted = false
        if wakeup >= 0 && epoll >= 0 {
            let start = Unmanaged.passRetained(Start(core: self, epoll: epoll, wakeup: wakeup))
            isStarted =
                cl_thread_start(
                    "egret-names", { context in Unmanaged<Start>.fromOpaque(context!).takeRetainedValue().run() }, start.toOpaque()) == 0
            if !isStarted { start.release() }
        }
        guard isStarted else {
            if wakeup >= 0 { _ = cl_close(wakeup) }
            if epoll >= 0 { _ = cl_close(epoll) }
            return "this process gets no further thread or descriptor"
        }
        state.wakeup = wakeup
        state.hasThread = true
        return nil
    }

    private final class Start {
        let core: ResolverCore
        let epoll, wakeup: Int32
        init(core: ResolverCore, epoll: Int32, wakeup: Int32) {
            self.core = core
            self.epoll = epoll
            self.wakeup = wakeup
        }
        func run() { LookUps(self.core, epoll: self.epoll, wakeup: self.wakeup).run() }
    }

    func stop() {
        self.state.withLock { state in
            state.isStopped = true
            if state.hasThread { cl_eventfd_signal(state.wakeup) }
        }
    }
}
