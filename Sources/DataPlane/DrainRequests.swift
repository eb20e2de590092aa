import Synchronization

/// Who asked the proxy to stop, and how often. A drain is asked for by a signal or by the admin server; only a second signal
/// means that the first was not enough.
final class DrainRequests: Sendable {
    enum Effect: Hashable { case begin, goOn, stopAtOnce }

    private struct State {
        var signals = 0
        var isAsked = false
    }

    private let state = Mutex(State())

    func signal() -> Effect {
        self.state.withLock { state in
            state.signals += 1
            defer { state.isAsked = true }
            return state.signals > 1 ? .stopAtOnce : state.isAsked ? .goOn : .begin
        }
    }

    func adminRequest() -> Effect {
        self.state.withLock { state in
            defer { state.isAsked = true }
            return state.isAsked ? .goOn : .begin
        }
    }
}
