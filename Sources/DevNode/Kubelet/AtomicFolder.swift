import FoundationEssentials
import Glibc

/// Writes a folder's files so that a reader sees all of the old ones or all of the new ones, as a kubelet does:
///
/// ```
/// token → ..data/token        ..data → ..17        ..17/token
/// ```
///
/// A change makes a new numbered folder and moves the link `..data` over in one step.
struct AtomicFolder: Sendable {
    let path: String
    private var number = 0
    private var written: [String: VolumeFile]?

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(_ path: String) { self.path = path }

    /// Returns whether anything was written.
    @discardableResult
    mutating func write(_ files: [String: VolumeFile]) throws -> Bool {
        guard files != self.written else { return false }
        let manager = FileManager.default
        self.number += 1
        let name = "..\(self.number)"
        let folder = "\(self.path)/\(name)"
        try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (file, content) in files {
            let target = "\(folder)/\(file)"
            try manager.createDirectory(atPath: SandboxCommand.parent(target), withIntermediateDirectories: true)
            try Data(content.bytes).write(to: URL(filePath: target))
            guard chmod(target, mode_t(content.mode)) == 0 else { throw Failure(description: "cannot set the mode of \(target)") }
        }
        let previous = try? manager.destinationOfSymbolicLink(atPath: "\(self.path)/..data")
        try Self.link("\(self.path)/..data", to: name)
        let tops = Set(files.keys.map { String($0.prefix { $0 != "/" }) })
        for top in tops where (try? manager.destinationOfSymbolicLink(atPath: "\(self.path)/\(top)")) == nil {
            try Self.link("\(self.path)/\(top)", to: "..data/\(top)")
        }
        for entry in try manager.contentsOfDirectory(atPath: self.path) where !entry.hasPrefix("..") && !tops.contains(entry) {
            try manager.removeItem(atPath: "\(self.path)/\(entry)")
        }
        if let previous, previous != name { try? manager.removeItem(atPath: "\(self.path)/\(previous)") }
        self.written = files
        return true
    }

    /// Replaces a symbolic link in one step.
    private static func link(_ path: String, to target: String) throws {
        let temporary = "\(path).new"
        unlink(temporary)
        guard symlink(target, temporary) == 0, rename(temporary, path) == 0 else {
            throw Failure(description: "cannot make the link \(path)")
        }
    }
}
