package import KubeAPI
package import Planning
import Synchronization

/// Writes that need a person, told by the loop that writes to the one that plans, so that a condition names them.
package final class WriteFailureBook: Sendable {
    private struct Entry: Equatable {
        var kind: String
        var key: ObjectKey
        var failure: WriteFailure
    }

    private let entries = Mutex<[PlanItem.ID: Entry]>([:])
    /// Yields after each change.
    package let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    package init() { (self.changes, self.changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// What fails on behalf of objects of a kind.
    package func failures(of type: ResourceType) -> [ObjectKey: WriteFailure] {
        let entries = self.entries.withLock { $0 }
        var failures: [ObjectKey: WriteFailure] = [:]
        // Of several for one object the first by name, so that the condition does not flicker.
        for (_, entry) in entries.sorted(by: { $0.key.description > $1.key.description }) where entry.kind == type.kind {
            failures[entry.key] = entry.failure
        }
        return failures
    }

    func record(_ item: PlanItem, _ error: ItemFailure) {
        guard let reason = error.reason, let (kind, key) = item.beneficiary else { return }
        let entry = Entry(
            kind: kind, key: key,
            failure: WriteFailure(reason: reason, sentence: "\(item.subject) cannot be written: \(error.message)"))
        self.change { $0[item.id] = entry }
    }

    func clear(_ id: PlanItem.ID) { self.change { $0[id] = nil } }

    func keep(_ wanted: Set<PlanItem.ID>) { self.change { $0 = $0.filter { wanted.contains($0.key) } } }

    private func change(_ body: (inout [PlanItem.ID: Entry]) -> Void) {
        let isNews = self.entries.withLock { entries in
            let before = entries
            body(&entries)
            return before != entries
        }
        if isNews { self.changed.yield() }
    }
}
