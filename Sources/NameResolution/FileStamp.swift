#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// How a file looked: enough to see that it was written, replaced, removed, or that a link on the way to it points elsewhere,
/// as when Kubernetes swaps a ConfigMap's folder. A file that is not there has a stamp too.
package struct FileStamp: Hashable, Sendable {
    package let path: String
    private var device: UInt64 = 0
    private var node: UInt64 = 0
    private var size: Int64 = -1
    private var seconds = 0
    private var nanoseconds = 0

    /// Asks the file system now; links are followed.
    package init(path: String) {
        self.path = path
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        self.device = UInt64(status.st_dev)
        self.node = UInt64(status.st_ino)
        self.size = Int64(status.st_size)
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        self.seconds = time.tv_sec
        self.nanoseconds = time.tv_nsec
    }
}
