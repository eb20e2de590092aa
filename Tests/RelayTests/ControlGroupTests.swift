import Foundation
import Testing

@testable import Relay

/// What the system's files say of this process's share of the machine: files of ours in their place.
@Suite("Control groups")
struct ControlGroupTests {
    /// A root with files, removed at the end.
    private final class Root {
        let path: String

        init(_ files: [String: String]) throws {
            self.path = FileManager.default.temporaryDirectory.path + "/egret-root-\(UUID().uuidString)"
            for (name, text) in files { try self.write(name, text) }
        }

        /// In place, as the kernel changes what is read from a file that is open.
        func write(_ name: String, _ text: String) throws {
            let url = URL(fileURLWithPath: "\(self.path)/\(name)")
            guard let file = try? FileHandle(forWritingTo: url) else {
                try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                return try Data(text.utf8).write(to: url)
            }
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: Data(text.utf8))
            try file.close()
        }

        deinit { try? FileManager.default.removeItem(atPath: self.path) }
    }

    private static let mebibyte = 1 << 20

    /// One after the other, each long enough after the one before that it is looked at anew.
    private struct Looks {
        let memory: MemoryGuard
        private var now: Int64 = 0

        init(_ memory: MemoryGuard) { self.memory = memory }

        mutating func next() -> String? {
            self.now += 1_000_000_000
            return self.memory.isShort(now: self.now) ? self.memory.problem : nil
        }
    }

    private static func statistics(_ key: String, _ bytes: Int) -> String { "anon 1048576\nfile 77\n\(key) \(bytes)\nactive_file 9\n" }

    @Test("a version 2 group's limit, with file pages that can be taken back not counted")
    func unifiedMemory() throws {
        let group = "sys/fs/cgroup/kubepods.slice/pod1/c1"
        let root = try Root([
            "proc/self/cgroup": "0::/kubepods.slice/pod1/c1\n",
            "sys/fs/cgroup/kubepods.slice/memory.max": "max\n",
            "sys/fs/cgroup/kubepods.slice/memory.current": "999999999999\n",
            "\(group)/memory.max": "\(160 * Self.mebibyte)\n",
            "\(group)/memory.current": "\(100 * Self.mebibyte)\n",
            "\(group)/memory.stat": Self.statistics("inactive_file", 0),
        ])
        var looks = Looks(MemoryGuard(limit: nil, addressSpace: .max, root: root.path))
        #expect(looks.next() == nil)
        // A sixteenth is kept free: 10 of 160.
        try root.write("\(group)/memory.current", "\(150 * Self.mebibyte)\n")
        #expect(looks.next() == nil)
        try root.write("\(group)/memory.current", "\(151 * Self.mebibyte)\n")
        #expect(looks.next() == "151 of 160 MiB of its cgroup's memory are used")
        // It ends a little below where it begins.
        try root.write("\(group)/memory.current", "\(149 * Self.mebibyte)\n")
        #expect(looks.next() != nil)
        try root.write("\(group)/memory.stat", Self.statistics("inactive_file", 20 * Self.mebibyte))
        #expect(looks.next() == nil)
        try root.write("\(group)/memory.current", "\(159 * Self.mebibyte)\n")
        #expect(looks.next() == nil)
        try root.write("\(group)/memory.stat", Self.statistics("inactive_file", 0))
        #expect(looks.next() == "159 of 160 MiB of its cgroup's memory are used")
    }

    @Test("the limit of a group above ours counts too, and a container sees its own as the root")
    func outerGroups() throws {
        let outer = try Root([
            "proc/self/cgroup": "0::/pods/ours\n",
            "sys/fs/cgroup/pods/memory.max": "\(64 * Self.mebibyte)\n",
            "sys/fs/cgroup/pods/memory.current": "\(60 * Self.mebibyte)\n",
            "sys/fs/cgroup/pods/ours/memory.max": "max\n",
            "sys/fs/cgroup/pods/ours/memory.current": "\(1 * Self.mebibyte)\n",
        ])
        var looks = Looks(MemoryGuard(limit: nil, addressSpace: .max, root: outer.path))
        #expect(looks.next() == "60 of 64 MiB of its cgroup's memory are used")

        for named in ["0::/\n", "0::/../../pods/elsewhere\n"] {
            let container = try Root([
                "proc/self/cgroup": named,
                "sys/fs/cgroup/memory.max": "\(64 * Self.mebibyte)\n",
                "sys/fs/cgroup/memory.current": "\(63 * Self.mebibyte)\n",
            ])
            looks = Looks(MemoryGuard(limit: nil, addressSpace: .max, root: container.path))
            #expect(looks.next() == "63 of 64 MiB of its cgroup's memory are used")
        }
    }

    @Test("version 1 has other names for the same, and its sums include the groups below")
    func separateMemory() throws {
        let group = "sys/fs/cgroup/memory/docker/1"
        let root = try Root([
            "proc/self/cgroup": "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/system.slice\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "99999999999999\n",
            "\(group)/memory.limit_in_bytes": "\(64 * Self.mebibyte)\n",
            "\(group)/memory.usage_in_bytes": "\(62 * Self.mebibyte)\n",
            "\(group)/memory.stat": Self.statistics("inactive_file", 40 * Self.mebibyte) + "total_inactive_file 0\n",
        ])
        var looks = Looks(MemoryGuard(limit: nil, addressSpace: .max, root: root.path))
        #expect(looks.next() == "62 of 64 MiB of its cgroup's memory are used")
        try root.write("\(group)/memory.stat", "total_inactive_file \(40 * Self.mebibyte)\n")
        #expect(looks.next() == nil)
    }

    @Test("the address space and the resident memory of the process have their own bounds")
    func process() throws {
        let page = sysconf(Int32(_SC_PAGESIZE))
        let mebibytes = { (count: Int) in count * Self.mebibyte / page }
        let root = try Root(["proc/self/statm": "\(mebibytes(300)) \(mebibytes(20)) 5 1 0 9 0\n"])
        let cases: [(limit: UInt64?, space: UInt64, problem: String?)] = [
            (nil, .max, nil),
            (nil, UInt64(400 * Self.mebibyte), nil),
            (nil, UInt64(310 * Self.mebibyte), "300 of 310 MiB of its address space are used"),
            (UInt64(25 * Self.mebibyte), .max, "20 of 25 MiB of its memory limit are used"),
            (UInt64(40 * Self.mebibyte), .max, nil),
        ]
        for (limit, space, problem) in cases {
            var looks = Looks(MemoryGuard(limit: limit, addressSpace: space, root: root.path))
            #expect(looks.next() == problem)
        }
    }

    @Test("nothing there, or nonsense, is no limit")
    func nonsense() throws {
        for files in [
            [:], ["proc/self/cgroup": "nonsense\n\n::\n"],
            ["proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "none\n", "sys/fs/cgroup/a/cpu.max": "x y\n"],
            ["proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "1024\n"],
        ] {
            let root = try Root(files)
            var looks = Looks(MemoryGuard(limit: 1 << 30, addressSpace: 1 << 30, root: root.path))
            #expect(looks.next() == nil)
            #expect(UsableCores.count(affinity: 6, root: root.path) == 6)
        }
    }

    @Test("cores: the smallest quota of our group and those above it, of either version")
    func cores() throws {
        let unified = try Root([
            "proc/self/cgroup": "0::/pods/ours\n", "sys/fs/cgroup/pods/cpu.max": "350000 100000\n",
            "sys/fs/cgroup/pods/ours/cpu.max": "max 100000\n",
        ])
        #expect(UsableCores.count(affinity: 16, root: unified.path) == 4)
        #expect(UsableCores.count(affinity: 2, root: unified.path) == 2)
        try unified.write("sys/fs/cgroup/pods/ours/cpu.max", "20000 100000\n")
        #expect(UsableCores.count(affinity: 16, root: unified.path) == 1)

        let separate = try Root([
            "proc/self/cgroup": "3:cpu,cpuacct:/docker/1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us": "200000\n", "sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us": "100000\n",
        ])
        #expect(UsableCores.count(affinity: 16, root: separate.path) == 2)
        try separate.write("sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "-1\n")
        #expect(UsableCores.count(affinity: 16, root: separate.path) == 16)
    }
}
