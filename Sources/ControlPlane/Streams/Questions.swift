import ConfigSync
import FoundationEssentials
import Synchronization

/// Questions to peers that wait for their answers.
final class Questions<Peer: Hashable & Sendable>: Sendable {
    private struct Waiting {
        var peer: Peer
        var continuation: CheckedContinuation<String?, Never>
    }

    private let waiting = Mutex<[String: Waiting]>([:])

    /// - Parameter send: puts the question on its way.
    /// - Returns: the answer; nil when none came in time.
    func ask(
        _ peer: Peer, _ page: Question.Page, of proxy: Question.Proxy? = nil, atMost limit: Duration,
        send: @escaping @Sendable (Question) -> Void
    ) async -> String? {
        let question = Question(id: UUID().uuidString.lowercased(), page: page, proxy: proxy)
        return await withTaskGroup { group in
            group.addTask {
                try? await Task.sleep(for: limit)
                self.finish(question.id, nil)
                return String?.none
            }
            let answer = await withCheckedContinuation { continuation in
                self.waiting.withLock { $0[question.id] = Waiting(peer: peer, continuation: continuation) }
                send(question)
            }
            group.cancelAll()
            return answer
        }
    }

    /// Only the one that was asked can answer. False for an answer that nobody waits for.
    func answered(_ id: String, by peer: Peer, _ text: String) -> Bool {
        let isAsked = self.waiting.withLock { $0[id]?.peer == peer }
        return isAsked && self.finish(id, text)
    }

    @discardableResult
    private func finish(_ id: String, _ text: String?) -> Bool {
        guard let waiting = self.waiting.withLock({ $0.removeValue(forKey: id) }) else { return false }
        waiting.continuation.resume(returning: text)
        return true
    }
}
