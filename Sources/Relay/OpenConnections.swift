import Synchronization

/// How many connections the proxy has open, over all workers, and how many it may have.
final class OpenConnections: Sendable {
    private let active = Atomic<Int>(0)
    private let most = Atomic<Int>(.max)

    /// False where there are as many as may be.
    func enter() -> Bool {
        let before = self.active.add(1, ordering: .relaxed).oldValue
        if before < self.most.load(ordering: .relaxed) { return true }
        self.active.subtract(1, ordering: .relaxed)
        return false
    }

    func leave() { self.active.subtract(1, ordering: .relaxed) }

    /// Those beyond a lower limit stay; new ones wait until there is room again.
    func setLimit(_ limit: Int?) { self.most.store(limit ?? .max, ordering: .relaxed) }

    var count: Int { self.active.load(ordering: .relaxed) }
    /// `Int.max`: none.
    var limit: Int { self.most.load(ordering: .relaxed) }
}
