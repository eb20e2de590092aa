import FoundationEssentials
import ServiceLifecycle
package import Store
import Synchronization

/// Files of this machine that provided authorities come from. They are read with every plan, and looked at every two seconds
/// for whether they have changed.
package final class AuthorityFiles: Service {
    private struct Stamp: Equatable {
        var modified: Date?
        var size: UInt64?
        var number: UInt64?

        /// All nil for a file that is not there.
        init(_ path: String) {
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            self.modified = attributes?[.modificationDate] as? Date
            self.size = attributes?[.size] as? UInt64
            self.number = attributes?[.systemFileNumber] as? UInt64
        }
    }

    private static let period = Duration.seconds(2)

    private let stamps = Mutex<[String: Stamp]>([:])
    private let store: ResourceStore

    package init(_ store: ResourceStore) { self.store = store }

    /// Nil where it cannot be read.
    func text(_ path: String) -> String? {
        // The stamp first: what changes in between is seen by the next look.
        self.stamps.withLock { $0[path] = Stamp(path) }
        return FileManager.default.contents(atPath: path).flatMap { String(validating: $0, as: UTF8.self) }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.period)) != nil {
                let known = self.stamps.withLock { $0 }
                if known.contains(where: { Stamp($0.key) != $0.value }) {
                    // Files that nobody names any more are forgotten.
                    self.stamps.withLock { $0 = [:] }
                    self.store.tell()
                }
            }
        }
    }
}
