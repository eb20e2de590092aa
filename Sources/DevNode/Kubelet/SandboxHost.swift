import FoundationEssentials
import Glibc

extension SandboxCommand.Host {
    private static let candidates = ["/usr", "/opt", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/sys"]
    private static let etcCandidates = [
        "alternatives", "ca-certificates", "crypto-policies", "group", "host.conf", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
        "localtime", "nsswitch.conf", "os-release", "passwd", "pki", "protocols", "resolv.conf", "services", "ssl", "timezone",
    ]

    /// Looks once at the machine we run on.
    static func current() -> Self {
        var directories: [String] = []
        var links: [String: String] = [:]
        let files = FileManager.default
        for path in Self.candidates {
            if let target = try? files.destinationOfSymbolicLink(atPath: path) {
                links[path] = target
            } else if files.fileExists(atPath: path) {
                directories.append(path)
            }
        }
        let etc = Self.etcCandidates.map { "/etc/\($0)" }.filter { files.fileExists(atPath: $0) }
        return Self(directories: directories, links: links, etc: etc, libraries: Self.ownLibraries())
    }

    /// The folders our own shared libraries come from: the Swift runtime that local programs need too may be anywhere.
    private static func ownLibraries() -> [String] {
        guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return [] }
        let paths = maps.split(separator: "\n").compactMap { line -> String? in
            guard let slash = line.firstIndex(of: "/") else { return nil }
            let path = String(line[slash...])
            return path.contains(".so") ? SandboxCommand.parent(path) : nil
        }
        return Set(paths).sorted()
    }
}

extension NodeCapacity {
    static func current() -> Self {
        Self(
            cpus: max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))),
            memoryBytes: Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE))))
    }
}
