private import Synchronization

/// One request and what has come back so far: the meeting point of the thread that drives curl and the task that waits.
///
/// Both sides do the same: lock, change the state, unlock, then act (wake the waiter, or ask the loop to go on).
final class Exchange: Sendable {
    struct Head: Sendable {
        var status: Int
        var headers: HTTPHeaders
    }

    /// What the task waits for. The end of the exchange satisfies every need.
    private enum Need { case head, chunk, end }

    private struct State {
        var head: Head?
        var body: [UInt8] = []
        var end: Result<Void, TransportError>?
        /// curl holds bytes back until the reader has taken what is here.
        var isPaused = false
        var waiter: (need: Need, continuation: CheckedContinuation<Void, Never>)?

        func satisfies(_ need: Need) -> Bool {
            if self.end != nil { return true }
            return switch need {
            case .head: self.head != nil
            case .chunk: !self.body.isEmpty
            case .end: false
            }
        }

        /// The waiter, if what it waits for is there.
        mutating func takeSatisfiedWaiter() -> CheckedContinuation<Void, Never>? {
            guard let waiter = self.waiter, self.satisfies(waiter.need) else { return nil }
            self.waiter = nil
            return waiter.continuation
        }
    }

    let request: HTTPRequest
    let isStream: Bool
    private let loop: CurlLoop
    private let state = Mutex(State())

    /// A reader that is this far behind stops the transfer.
    private static let maxBufferedBytes = 256 << 10
    /// A complete answer beyond this is somebody's mistake, not a list of ours.
    private static let maxWholeBytes = 512 << 20

    init(_ request: HTTPRequest, isStream: Bool, loop: CurlLoop) {
        self.request = request
        self.isStream = isStream
        self.loop = loop
    }
}

// The task's side.
extension Exchange {
    func whole() async throws(TransportError) -> HTTPResponse {
        await self.wait(for: .end)
        let (head, body, end) = self.state.withLock { ($0.head, $0.body, $0.end) }
        if case .failure(let error) = end { throw error }
        guard let head else { throw TransportError(.connectionLost, "\(self.request) ended without an answer") }
        return HTTPResponse(status: head.status, headers: head.headers, body: body)
    }

    func head() async throws(TransportError) -> Head {
        await self.wait(for: .head)
        let (head, end) = self.state.withLock { ($0.head, $0.end) }
        if let head { return head }
        if case .failure(let error) = end { throw error }
        throw TransportError(.connectionLost, "\(self.request) ended without an answer")
    }

    /// Nil at the end of the body. What arrived before a failure is delivered before the failure is thrown.
    func nextChunk() async throws(TransportError) -> [UInt8]? {
        await self.wait(for: .chunk)
        let (chunk, end, wasPaused) = self.state.withLock { state in
            defer {
                state.body = []
                state.isPaused = false
            }
            return (state.body, state.end, state.isPaused)
        }
        if wasPaused { self.loop.resume(self) }
        if !chunk.isEmpty { return chunk }
        if case .failure(let error) = end { throw error }
        return nil
    }

    func cancel() {
        self.finished(.failure(TransportError(.cancelled, "\(self.request) was cancelled")))
        self.loop.cancel(self)
    }

    private func wait(for need: Need) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isSatisfied = self.state.withLock { state in
                    precondition(state.waiter == nil, "a body is read by one task at a time")
                    if state.satisfies(need) { return true }
                    state.waiter = (need, continuation)
                    return false
                }
                if isSatisfied { continuation.resume() }
            }
        } onCancel: {
            self.cancel()
        }
    }
}

// The loop's side.
extension Exchange {
    enum OnBytes { case taken, pause, refuse }

    func received(head: Head) {
        self.state.withLock { state in
            state.head = head
            return state.takeSatisfiedWaiter()
        }?.resume()
    }

    func received(_ bytes: UnsafeRawBufferPointer) -> OnBytes {
        let (answer, waiter) = self.state.withLock { state -> (OnBytes, CheckedContinuation<Void, Never>?) in
            if state.end != nil { return (.refuse, nil) }
            if self.isStream {
                if state.body.count >= Self.maxBufferedBytes {
                    state.isPaused = true
                    return (.pause, nil)
                }
            } else if state.body.count + bytes.count > Self.maxWholeBytes {
                return (.refuse, nil)
            }
            state.body.append(contentsOf: bytes)
            return (.taken, state.takeSatisfiedWaiter())
        }
        waiter?.resume()
        return answer
    }

    /// The first end counts; later ones (curl's, after a cancel) change nothing.
    func finished(_ end: Result<Void, TransportError>) {
        self.state.withLock { state in
            if state.end == nil { state.end = end }
            return state.takeSatisfiedWaiter()
        }?.resume()
    }

    var isPaused: Bool { self.state.withLock { $0.isPaused } }
}
