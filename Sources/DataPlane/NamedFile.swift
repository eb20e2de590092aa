import StaticConfig

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

#if canImport(Glibc)
private let readPart = Glibc.read
#else
private let readPart = Musl.read
#endif

/// A file that a person named, read whole. Whatever it turns out to be, reading ends: not a pipe that nobody writes to, not a
/// device without an end.
enum NamedFile {
    /// A hundred thousand routes are some ten megabytes.
    static let maxBytes = 64 << 20

    static func read(_ path: String) -> StaticFile {
        // Without waiting for somebody to open a pipe's other end.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return .unreadable(self.words(errno)) }
        defer { _ = close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return .unreadable(self.words(errno)) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: return .unreadable("is a folder")
        case S_IFIFO where path.hasPrefix("/dev/"):
            // `/dev/stdin`, `/dev/fd/63`: somebody has the other end, and is waited for.
            _ = fcntl(file, F_SETFL, fcntl(file, F_GETFL) & ~O_NONBLOCK)
        default: return .unreadable("is neither a file nor standard input")
        }
        return self.text(file)
    }

    private static func text(_ file: Int32) -> StaticFile {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65536)
        while bytes.count <= self.maxBytes {
            let count = readPart(file, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .unreadable(self.words(errno)) }
            guard count > 0 else {
                return String(validating: bytes, as: UTF8.self).map { .text($0) } ?? .unreadable("is not UTF-8 text")
            }
            bytes += part.prefix(count)
        }
        return .unreadable("is larger than \(self.maxBytes >> 20) MiB")
    }

    private static func words(_ error: Int32) -> String {
        switch error {
        case ENOENT, ENOTDIR: "does not exist"
        case EACCES, EPERM: "may not be read by this process"
        default: "cannot be read (\(String(cString: strerror(error))))"
        }
    }
}
