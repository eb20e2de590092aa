import Glibc

/// Whether a file has changed since it was looked at last, without reading it.
struct FileStamp: Hashable {
    private var seconds = 0
    private var nanoseconds = 0
    private var size: Int64 = 0
    private var inode: UInt64 = 0

    /// All zero for a file that isn't there.
    init(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        self.seconds = status.st_mtim.tv_sec
        self.nanoseconds = status.st_mtim.tv_nsec
        self.size = Int64(status.st_size)
        self.inode = UInt64(status.st_ino)
    }

    /// The text of a small file; empty where there is none.
    static func read(_ path: String) -> String {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return "" }
        defer { _ = close(fd) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65536)
        // Lists of blocked names have megabytes; beyond this nothing is a hosts file.
        while bytes.count < 16 << 20 {
            let count = Glibc.read(fd, &part, part.count)
            if count <= 0 { break }
            bytes += part.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
