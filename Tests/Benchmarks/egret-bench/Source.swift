import CLinux
import Glibc

/// Bytes without end, as a server of files sends them: by sendfile(2), so that the generator copies nothing.
struct Source {
    private let file: Int32
    private static let size = 512 * 1024

    init() throws(SystemFailure) {
        // A file of no name, in memory where there is a file system for that.
        var path = Array("/dev/shm/egret-bench-XXXXXX".utf8CString)
        var file = mkstemp(&path)
        if file < 0 {
            path = Array("/tmp/egret-bench-XXXXXX".utf8CString)
            file = mkstemp(&path)
        }
        guard file >= 0 else { throw SystemFailure(doing: "making a temporary file", number: errno) }
        unlink(path)
        let bytes = [UInt8](repeating: 0x5A, count: Self.size)
        guard write(file, bytes, bytes.count) == bytes.count else { throw SystemFailure(doing: "filling a temporary file", number: errno) }
        self.file = file
    }

    /// As much as the socket takes, up to the file's length; or -errno.
    func pour(into fd: Int32) -> Int {
        var offset = 0
        let count = sendfile(fd, self.file, &offset, Self.size)
        return count < 0 ? -Int(errno) : count
    }
}
