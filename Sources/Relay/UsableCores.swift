import CLinux

/// How many cores this process may keep busy: its affinity, and its cgroup's CPU quota where there is one. More workers
/// than that only queue for each other.
package enum UsableCores {
    package static var count: Int { self.count(affinity: Int(cl_affinity_count()), root: "") }

    static func count(affinity: Int, root: String) -> Int {
        self.count(affinity: affinity, quotas: self.quotas(ControlGroups(root: root)))
    }

    /// - parameter quotas: `<microseconds or max> <period>`, as in a `cpu.max` file.
    static func count(affinity: Int, quotas: [String]) -> Int {
        var cores = max(1, affinity)
        for quota in quotas {
            let fields = quota.split(whereSeparator: \.isWhitespace).map { Int($0) }
            guard fields.count == 2, let allowed = fields[0], let period = fields[1], allowed > 0, period > 0 else { continue }
            cores = min(cores, (allowed - 1) / period + 1)
        }
        return cores
    }

    /// Version 1 says the same in two files, with -1 for max.
    private static func quotas(_ groups: ControlGroups) -> [String] {
        groups.folders(of: "cpu").compactMap { folder in
            if folder.isUnified { return SmallFile.text(folder.path + "/cpu.max") }
            guard let quota = SmallFile.text(folder.path + "/cpu.cfs_quota_us"),
                let period = SmallFile.text(folder.path + "/cpu.cfs_period_us")
            else { return nil }
            return "\(quota) \(period)"
        }
    }
}
