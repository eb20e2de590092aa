import CLinux
import Glibc
import Synchronization

/// Tells when nearly all the memory this process may have is taken, so that new connections are refused before an allocation
/// fails, or the system ends the process and every connection with it.
///
/// It looks when somebody connects, at most every few milliseconds, and through files that are open from the start: at the
/// moment of need there may be no descriptor left.
final class MemoryGuard: Sendable {
    /// One bound, and how much of it is used.
    private struct Bound {
        enum Kind {
            /// Field of /proc/self/statm, in pages.
            case pages(field: Int)
            /// Bytes of a cgroup, of which the file pages nobody used lately can be taken back: `memory.stat` tells how many.
            case cgroup(statistics: Int32, key: StaticString)
        }

        let name: StaticString
        let kind: Kind
        let file: Int32
        let limit: UInt64

        /// What stays free for open connections, the kernel's buffers and the proxy itself.
        var reserve: UInt64 { min(max(self.limit / 16, 8 << 20), self.limit / 4) }
    }

    /// Looking costs some microseconds.
    private static let interval: Int64 = 5_000_000
    private static let trimInterval: Int64 = 1_000_000_000
    private static let pageSize = UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 4096))

    private let bounds: [Bound]
    private let nextLook = Atomic<Int64>(.min)
    private let nextTrim = Atomic<Int64>(.min)
    private let short = Atomic<Bool>(false)
    private let words = Mutex<String?>(nil)

    /// - Parameters:
    ///   - limit: Resident bytes; nil where only the system's limits count.
    ///   - addressSpace: RLIMIT_AS, `.max` for none.
    ///   - root: In front of the paths of /proc and /sys.
    init(limit: UInt64?, addressSpace space: UInt64 = cl_address_space_limit(), root: String = "") {
        let statistics = cl_open_to_read(root + "/proc/self/statm")
        var bounds: [Bound] = []
        if statistics >= 0 {
            if let limit { bounds.append(Bound(name: "its memory limit", kind: .pages(field: 1), file: statistics, limit: limit)) }
            if space < .max { bounds.append(Bound(name: "its address space", kind: .pages(field: 0), file: statistics, limit: space)) }
        }
        bounds += Self.cgroups(ControlGroups(root: root))
        self.bounds = bounds
    }

    deinit {
        for file in Set(self.bounds.map(\.file)) { _ = cl_close(file) }
        for bound in self.bounds { if case .cgroup(let file, _) = bound.kind, file >= 0 { _ = cl_close(file) } }
    }

    /// Whether a new connection should be refused.
    /// - parameter now: Monotonic nanoseconds.
    func isShort(now: Int64) -> Bool {
        if self.bounds.isEmpty { return false }
        let due = self.nextLook.load(ordering: .relaxed)
        // One worker looks, the others go by what it saw.
        if now >= due, self.nextLook.compareExchange(expected: due, desired: now + Self.interval, ordering: .relaxed).exchanged {
            self.look(now)
        }
        return self.short.load(ordering: .relaxed)
    }

    /// The bound that is reached, in words.
    var problem: String? { self.words.withLock { $0 } }

    private func look(_ now: Int64) {
        let wasShort = self.short.load(ordering: .relaxed)
        var reached = self.reached(wasShort)
        // What ended connections left is given back to us, not to the system, until somebody asks.
        if reached != nil, now >= self.nextTrim.load(ordering: .relaxed) {
            self.nextTrim.store(now + Self.trimInterval, ordering: .relaxed)
            cl_trim_memory()
            reached = self.reached(wasShort)
        }
        self.short.store(reached != nil, ordering: .relaxed)
        self.words.withLock { $0 = reached }
    }

    /// A shortage ends a little below where it begins.
    private func reached(_ wasShort: Bool) -> String? {
        for bound in self.bounds {
            let threshold = bound.limit - bound.reserve - (wasShort ? bound.reserve / 4 : 0)
            guard let used = Self.used(bound, threshold), used > threshold else { continue }
            return "\(used >> 20) of \(bound.limit >> 20) MiB of \(bound.name) are used"
        }
        return nil
    }

    private static func used(_ bound: Bound, _ threshold: UInt64) -> UInt64? {
        switch bound.kind {
        case .pages(let field): return Self.number(bound.file, field: field).map { $0 * Self.pageSize }
        case .cgroup(let statistics, let key):
            guard let used = Self.number(bound.file, field: 0), used > threshold else { return 0 }
            return used - min(used, Self.number(statistics, key: key) ?? 0)
        }
    }

    // Files.

    /// The number in a file's one line of numbers.
    private static func number(_ file: Int32, field: Int) -> UInt64? {
        SmallFile.withText(file) { text in
            let fields = text.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") })
            return fields.count > field ? UInt64(String(decoding: fields[field], as: UTF8.self)) : nil
        }
    }

    /// The number after a word at the beginning of a line.
    private static func number(_ file: Int32, key: StaticString) -> UInt64? {
        SmallFile.withText(file) { text in
            for line in text.split(separator: UInt8(ascii: "\n")) {
                let fields = line.split(separator: UInt8(ascii: " "))
                guard fields.count == 2, fields[0].elementsEqual(UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
                else { continue }
                return UInt64(String(decoding: fields[1], as: UTF8.self))
            }
            return nil
        }
    }

    private static func cgroups(_ groups: ControlGroups) -> [Bound] {
        groups.folders(of: "memory").compactMap { folder in
            let words = SmallFile.text(folder.path + (folder.isUnified ? "/memory.max" : "/memory.limit_in_bytes")) ?? ""
            // Without a limit: "max", or a number beyond every memory.
            guard let limit = UInt64(words.prefix { $0.isNumber }), limit > 0, limit < 1 << 60 else { return nil }
            let file = cl_open_to_read(folder.path + (folder.isUnified ? "/memory.current" : "/memory.usage_in_bytes"))
            guard file >= 0 else { return nil }
            let statistics = cl_open_to_read(folder.path + "/memory.stat")
            let key: StaticString = folder.isUnified ? "inactive_file" : "total_inactive_file"
            return Bound(name: "its cgroup's memory", kind: .cgroup(statistics: statistics, key: key), file: file, limit: limit)
        }
    }
}
