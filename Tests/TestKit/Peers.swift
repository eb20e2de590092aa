import Foundation

/// Other proxies that tests talk to or compare with, fetched by `hack/setup`.
package enum Peers {
    private static var folder: String { "\(Repository.root)/.build/tools/peers" }
    private static var debian: String { self.folder + "/debian" }

    package static var haproxy: String { self.debian + "/usr/sbin/haproxy" }
    package static var nginx: String { self.debian + "/usr/sbin/nginx" }
    package static var nginxModules: String { self.debian + "/usr/lib/nginx/modules" }
    package static var envoy: String { self.folder + "/envoy/envoy/_bin/envoy" }

    /// For programs that were unpacked instead of installed.
    package static var environment: [String: String] {
        let folder = self.debian + "/usr/lib"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return ["LD_LIBRARY_PATH": names.filter { $0.contains("linux-gnu") }.map { "\(folder)/\($0)" }.joined(separator: ":")]
    }

    package static func has(_ program: String) -> Bool { FileManager.default.isExecutableFile(atPath: program) }
}
