import Synchronization

/// Tables no worker serves any more. Taking one with ten thousand routes apart takes milliseconds, which no connection should
/// wait for: whoever changes the configuration does it.
final class RetiredTables: Sendable {
    private let tables = Mutex<[LiveTable]>([])

    /// A worker's last use of it is over.
    func add(_ table: LiveTable) { self.tables.withLock { $0.append(table) } }

    /// Off the workers' threads.
    func free() {
        let tables = self.tables.withLock { tables in
            let all = tables
            tables = []
            return all
        }
        // Here, outside of the lock.
        _ = consume tables
    }
}
