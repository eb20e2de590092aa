import FoundationEssentials
import Glibc

/// Where a pod's things lie in the data directory. Logs outlive the pod, for whoever wants to know why it went.
struct PodFolders: Hashable, Sendable {
    let root: String
    let logs: String

    init(dataDirectory: String, namespace: String, name: String, uid: String) {
        self.root = "\(dataDirectory)/pods/\(uid)"
        self.logs = "\(dataDirectory)/logs/\(namespace)_\(name)_\(uid)"
    }

    var etc: String { "\(self.root)/etc" }
    func volume(_ name: String) -> String { "\(self.root)/volumes/\(name)" }
    func log(_ container: String, attempt: Int) -> String { "\(self.logs)/\(container)/\(attempt).log" }

    func make(_ path: String, mode: mode_t = 0o755) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        _ = chmod(path, mode)
    }

    /// Replaces `/etc/hosts` of the running pod in one step.
    func writeHosts(_ text: String) throws {
        try self.make(self.etc)
        let temporary = "\(self.etc)/hosts.new"
        try Data(text.utf8).write(to: URL(filePath: temporary))
        guard rename(temporary, "\(self.etc)/hosts") == 0 else {
            throw AtomicFolder.Failure(description: "cannot replace \(self.etc)/hosts")
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: self.root) }
}
