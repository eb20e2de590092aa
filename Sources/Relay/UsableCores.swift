import CLinux
import FoundationEssentials

/// How many cores this process may keep busy: its affinity, and its cgroup's CPU quota where there is one. More workers
/// than that only queue for each other.
package enum UsableCores {
    package static var count: Int {
        self.count(affinity: Int(cl_affinity_count()), quotas: self.quotaFiles().compactMap(self.read))
    }

    /// - parameter quotas: Contents of `cpu.max` files: `<microseconds or max> <period>`.
    static func count(affinity: Int, quotas: [String]) -> Int {
        var cores = max(1, affinity)
        for quota in quotas {
            let fields = quota.split(whereSeparator: \.isWhitespace).map { Int($0) }
            guard fields.count == 2, let allowed = fields[0], let period = fields[1], period > 0 else { continue }
            cores = min(cores, max(1, (allowed + period - 1) / period))
        }
        return cores
    }

    /// The file of our own cgroup and of each above it (version 2; in a container the root is our own).
    private static func quotaFiles() -> [String] {
        var path = ""
        for line in (self.read("/proc/self/cgroup") ?? "").split(separator: "\n") where line.hasPrefix("0::") {
            path = String(line.dropFirst(3))
        }
        var files = ["/sys/fs/cgroup/cpu.max"]
        var folder = "/sys/fs/cgroup"
        for component in path.split(separator: "/") where component != ".." {
            folder += "/\(component)"
            files.append(folder + "/cpu.max")
        }
        return files
    }

    private static func read(_ path: String) -> String? {
        guard let bytes = try? Data(contentsOf: URL(filePath: path)) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
