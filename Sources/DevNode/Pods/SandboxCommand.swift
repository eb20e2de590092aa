/// The command line that runs a container as a local process: `bwrap` with a mount tree of its own.
///
/// ```
/// /                tmpfs
/// /usr /opt …      the host's, read-only          /etc   a few of the host's files
/// /etc/hosts       → the pod's own, which is replaced while the pod runs
/// /proc /dev /tmp  fresh                           volumes at their mount paths
/// PROGRAM'S FOLDER the host's, read-only
/// ```
///
/// The processes live in a process-id namespace below bwrap, and bwrap dies with the node: when the node goes, for
/// whatever reason, the kernel ends all of them.
struct SandboxCommand: Hashable, Sendable {
    /// What the host offers, found once at start.
    struct Host: Hashable, Sendable {
        /// Existing top-level directories, for example `/usr`.
        var directories: [String]
        /// Top-level symbolic links, for example `/bin` → `usr/bin`.
        var links: [String: String]
        /// Existing files and folders of `/etc` that programs need.
        var etc: [String]
        /// Folders with the shared libraries that local programs were linked against, outside the above.
        var libraries: [String]
    }

    struct Bind: Hashable, Sendable {
        var source: String
        var target: String
        var readOnly: Bool
    }

    var host: Host
    /// The local program that stands for the image.
    var program: String
    /// The folder that holds the pod's `hosts` file. A folder, so that the file can be replaced in one step.
    var hostsFolder: String
    var binds: [Bind]
    var workingDirectory: String?
    /// Empty: the program.
    var command: [String]
    var arguments: [String]

    static let hostsMount = "/run/egret-pod"
    private static let own = ["/", "/tmp", "/run", "/etc", "/dev", "/proc", "/var", "/var/tmp", "/root", "/home"]

    /// bwrap's arguments.
    var line: [String] {
        var line = ["--die-with-parent", "--unshare-pid", "--unshare-ipc"]
        for directory in self.host.directories { line += ["--ro-bind", directory, directory] }
        for (link, target) in self.host.links.sorted(by: { $0.key < $1.key }) { line += ["--symlink", target, link] }
        for path in self.host.etc { line += ["--ro-bind", path, path] }
        line += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", "/var/tmp", "--dir", "/root"]
        line += ["--ro-bind", self.hostsFolder, Self.hostsMount, "--symlink", "\(Self.hostsMount)/hosts", "/etc/hosts"]
        for folder in self.folders { line += ["--ro-bind", folder, folder] }
        // Shorter paths first, so that a volume inside another volume lies on top of it.
        for bind in self.binds.sorted(by: { ($0.target.utf8.count, $0.target) < ($1.target.utf8.count, $1.target) }) {
            line += [bind.readOnly ? "--ro-bind" : "--bind", bind.source, bind.target]
        }
        // A volume that hides the program, as one at /tmp does when the program is built there, gives way to it.
        for folder in self.folders where self.binds.contains(where: { folder.hasPrefix($0.target + "/") }) {
            line += ["--ro-bind", folder, folder]
        }
        line += ["--chdir", self.workingDirectory ?? "/", "--"]
        return line + (self.command.isEmpty ? [self.program] : self.command) + self.arguments
    }

    /// The program's folder and its libraries' where the host's directories do not already show them. A program that lies
    /// directly in a folder the sandbox makes itself is bound alone.
    private var folders: [String] {
        let folder = Self.parent(self.program)
        let wanted = self.host.libraries + [Self.own.contains(folder) ? self.program : folder]
        let shown = self.host.directories + self.host.links.keys
        return wanted.filter { path in !shown.contains { path == $0 || path.hasPrefix($0 + "/") } }
    }

    /// The folder of a program, which is also the first in its `PATH`.
    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
