#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Files that nobody else may read, written so that at any moment the old or the new content is there whole.
enum PrivateFile {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Nil where there is no such file. Refuses one that others could have read or written.
    static func read(_ path: String, maxBytes: Int) throws(Failure) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.failure("cannot be opened")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw Self.failure("cannot be looked at") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(description: "is no regular file") }
        guard status.st_uid == geteuid() else {
            throw Failure(description: "belongs to user \(status.st_uid), not to user \(geteuid()) of this proxy; chown or delete it")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw Failure(
                description:
                    "may be read or written by others (mode \(String(status.st_mode & 0o7777, radix: 8))); chmod 600 it, or delete it")
        }
        guard status.st_size <= maxBytes else { throw Failure(description: "has more than \(maxBytes) bytes") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var position = 0
        while position < bytes.count {
            let count = bytes.withUnsafeMutableBytes { systemRead(file, $0.baseAddress! + position, $0.count - position) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure("cannot be read") }
            if count == 0 { break }
            position += count
        }
        bytes.removeSubrange(position...)
        return bytes
    }

    /// Blocks until the content is on its medium.
    static func write(_ path: String, _ parts: [[UInt8]]) throws(Failure) {
        let draft = path + ".new"
        // Of a process that ended in the middle.
        unlink(draft)
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Self.failure("cannot be created") }
        do throws(Failure) {
            for part in parts { try Self.write(part, to: file) }
            guard fsync(file) == 0 else { throw Self.failure("cannot be written") }
        } catch {
            close(file)
            unlink(draft)
            throw error
        }
        close(file)
        guard rename(draft, path) == 0 else {
            let failure = Self.failure("cannot be put in place")
            unlink(draft)
            throw failure
        }
        // The name, too; where a folder cannot be synchronised, the content still was.
        let folder = open(Self.folder(of: path), O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    private static func write(_ bytes: [UInt8], to file: Int32) throws(Failure) {
        var position = 0
        while position < bytes.count {
            let count = bytes.withUnsafeBytes { systemWrite(file, $0.baseAddress! + position, $0.count - position) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("cannot be written") }
            position += count
        }
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    private static func failure(_ what: String) -> Failure { Failure(description: "\(what): \(String(cString: strerror(errno)))") }
}

// The names are this type's own as well.
private func systemRead(_ file: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int { read(file, buffer, count) }
private func systemWrite(_ file: Int32, _ buffer: UnsafeRawPointer, _ count: Int) -> Int { write(file, buffer, count) }
