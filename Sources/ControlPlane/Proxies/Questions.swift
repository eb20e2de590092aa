package import ConfigSync
import FoundationEssentials
package import Planning
import Synchronization

/// Questions to proxies that wait for their answers.
final class Questions: Sendable {
    private struct Waiting {
        var proxy: ProxyID
        var continuation: CheckedContinuation<String?, Never>
    }

    private let waiting = Mutex<[String: Waiting]>([:])

    /// - Parameter send: puts the question on its way.
    /// - Returns: the answer; nil when none came in time.
    func ask(
        _ proxy: ProxyID, _ page: Question.Page, atMost limit: Duration, send: @escaping @Sendable (Question) -> Void
    ) async -> String? {
        let question = Question(id: UUID().uuidString.lowercased(), page: page)
        return await withTaskGroup { group in
            group.addTask {
                try? await Task.sleep(for: limit)
                self.finish(question.id, nil)
                return String?.none
            }
            let answer = await withCheckedContinuation { continuation in
                self.waiting.withLock { $0[question.id] = Waiting(proxy: proxy, continuation: continuation) }
                send(question)
            }
            group.cancelAll()
            return answer
        }
    }

    /// Only the proxy that was asked can answer. False for an answer that nobody waits for.
    func answered(_ id: String, by proxy: ProxyID, _ text: String) -> Bool {
        let isAsked = self.waiting.withLock { $0[id]?.proxy == proxy }
        return isAsked && self.finish(id, text)
    }

    @discardableResult
    private func finish(_ id: String, _ text: String?) -> Bool {
        guard let waiting = self.waiting.withLock({ $0.removeValue(forKey: id) }) else { return false }
        waiting.continuation.resume(returning: text)
        return true
    }
}

extension ConfigHub {
    /// Asks a proxy that has a stream here; nil when it has none, or does not answer in time.
    package func ask(_ proxy: ProxyID, _ page: Question.Page) async -> String? {
        guard let session = self.session(of: proxy) else { return nil }
        return await self.questions.ask(proxy, page, atMost: .seconds(5)) { session.ask($0) }
    }
}
