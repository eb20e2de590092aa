import Crypto
import FoundationEssentials
import NameResolution
import Routing
import StaticConfig

/// Reads a static file and the files it names, and knows when they have changed since.
struct StaticFileLoader: Sendable {
    /// A configuration with the digest of its file's text, which is what `sha256sum` prints.
    struct Loaded: Sendable {
        var config: StaticConfig
        var digest: String
    }

    let path: String
    /// Why a cluster cannot be used; nil if it can.
    let problem: @Sendable (Cluster) -> String?
    /// Of the last attempt. Each file was looked at before it was read: what happens in between is seen afterwards.
    private var stamps: [FileStamp] = []

    init(path: String, problem: @escaping @Sendable (Cluster) -> String?) {
        self.path = path
        self.problem = problem
    }

    /// Whether any file is not as it was when it was read.
    var hasChanged: Bool { self.look != self.stamps }

    /// How the files look now, to see whether somebody is still writing.
    var look: [FileStamp] { self.stamps.map { FileStamp(path: $0.path) } }

    /// - Throws: `UnusableFile`
    mutating func load(previous: StaticConfig?) throws(UnusableFile) -> Loaded {
        // A file refused whole has not said what it names; what was named before is still watched.
        let before = self.stamps
        self.stamps = [FileStamp(path: self.path)]
        let text: String
        switch NamedFile.read(self.path) {
        case .text(let found): text = found
        case .unreadable(let reason):
            self.stamps += before.filter { $0.path != self.path }
            throw UnusableFile(problems: ["\(self.path) \(reason)"])
        }
        let seen = SeenFiles()
        do {
            var config = try StaticConfig.read(text, path: self.path, previous: previous) { path in
                seen.stamps.append(FileStamp(path: path))
                return NamedFile.read(path)
            }
            config.keepUsableClusters(of: previous, problem: self.problem)
            self.stamps += seen.stamps
            return Loaded(config: config, digest: Self.digest(text))
        } catch {
            let known = Set(seen.stamps.map(\.path) + [self.path])
            self.stamps += seen.stamps + before.filter { !known.contains($0.path) }
            throw UnusableFile(problems: error.problems)
        }
    }

    private final class SeenFiles { var stamps: [FileStamp] = [] }

    private static func digest(_ text: String) -> String {
        SHA256.hash(data: Data(text.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}

/// A configuration file that cannot be served, with every reason.
package struct UnusableFile: Error, CustomStringConvertible {
    package let problems: [String]

    package var description: String { self.problems.joined(separator: "\n") }
}
