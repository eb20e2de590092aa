import Synchronization

/// Waits for so many things to happen on threads of ours.
package final class Countdown: Sendable {
    private struct State {
        var left: Int
        var serial = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        /// Waits that were cancelled before they began.
        var cancelled: Set<Int> = []
    }

    private let state: Mutex<State>

    package init(_ count: Int) { self.state = Mutex(State(left: count)) }

    package func countDown() {
        let ready = self.state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.left -= 1
            guard state.left <= 0 else { return [] }
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in ready { continuation.resume() }
    }

    /// Returns early when the task is cancelled.
    package func wait() async {
        let serial = self.state.withLock { state in
            state.serial += 1
            return state.serial
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = self.state.withLock { state in
                    if state.left <= 0 || state.cancelled.remove(serial) != nil { return true }
                    state.waiting[serial] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiting = self.state.withLock { state in
                let waiting = state.waiting.removeValue(forKey: serial)
                if waiting == nil { state.cancelled.insert(serial) }
                return waiting
            }
            waiting?.resume()
        }
    }

    /// Whether it happened within `timeout`.
    func wait(atMost timeout: Duration) async -> Bool {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask { try? await Task.sleep(for: timeout) }
            await group.next()
            group.cancelAll()
        }
        return self.state.withLock { $0.left <= 0 }
    }
}

/// A mutex that closures can share.
final class Mutexed<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { self.value.withLock { body(&$0) } }
}
