import CLinux
import Glibc

/// Upstream sockets whose connection both sides have ended, kept to be connected anew.
///
/// Making a socket and closing it again is a tenth of what a short connection costs: its file, its inode, its place in the
/// epoll set, its protocol state. `connect` with AF_UNSPEC gives a TCP socket's association up and leaves all of that in place
/// (connect(2)). Only what the kernel is through with is used again; the end of a connection, TIME_WAIT included, is no other.
struct IdleSockets: ~Copyable {
    private static let most = 64
    /// A connection that moved more has grown the socket's buffers, and its share of making one is small.
    static let mostBytes: UInt64 = 256 * 1024

    private var ipv4: [Int32] = []
    private var ipv6: [Int32] = []

    deinit {
        for fd in self.ipv4 { _ = cl_close(fd) }
        for fd in self.ipv6 { _ = cl_close(fd) }
    }

    /// Ready for `connect`, and still in the epoll set with the tag of a connection that is gone.
    mutating func take(_ family: Int32) -> Int32? {
        while let fd = family == AF_INET ? self.ipv4.popLast() : self.ipv6.popLast() {
            if cl_disconnect(fd) == 0 { return fd }
            // Both ends are on the wire and not acknowledged yet: the kernel goes on without us.
            _ = cl_close(fd)
        }
        return nil
    }

    /// After our end was sent and the peer's was read.
    mutating func giveBack(_ fd: Int32, _ family: Int32) {
        if family == AF_INET, self.ipv4.count < Self.most {
            self.ipv4.append(fd)
        } else if family == AF_INET6, self.ipv6.count < Self.most {
            self.ipv6.append(fd)
        } else {
            _ = cl_close(fd)
        }
    }

    /// Out of descriptors: those that lie idle serve somebody.
    mutating func closeAll() -> Bool {
        let hadAny = !self.ipv4.isEmpty || !self.ipv6.isEmpty
        while let fd = self.ipv4.popLast() ?? self.ipv6.popLast() { _ = cl_close(fd) }
        return hadAny
    }
}
