/// Where the control groups of this process, and those above them, keep their files, of either version. In a container the
/// root is our own.
struct ControlGroups {
    struct Folder {
        let path: String
        /// cgroup v2.
        let isUnified: Bool
    }

    /// Prefix of all paths: a test's folder in place of the system's root.
    let root: String
    private var unified = ""
    /// Path by controller, version 1.
    private var paths: [Substring: Substring] = [:]

    init(root: String = "") {
        self.root = root
        for line in (SmallFile.text(root + "/proc/self/cgroup") ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[1].isEmpty { self.unified = String(fields[2]) }
            for controller in fields[1].split(separator: ",") { self.paths[controller] = fields[2] }
        }
    }

    /// From the outermost to our own; those that don't exist, as seen from within a container, are listed too.
    func folders(of controller: Substring) -> [Folder] {
        self.folders("/sys/fs/cgroup", self.unified[...], isUnified: true)
            + self.folders("/sys/fs/cgroup/\(controller)", self.paths[controller] ?? "", isUnified: false)
    }

    private func folders(_ top: String, _ path: Substring, isUnified: Bool) -> [Folder] {
        var folders = [Folder(path: self.root + top, isUnified: isUnified)]
        for component in path.split(separator: "/") where component != ".." {
            folders.append(Folder(path: "\(folders.last!.path)/\(component)", isUnified: isUnified))
        }
        return folders
    }
}
