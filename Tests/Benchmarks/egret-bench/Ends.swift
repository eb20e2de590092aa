import CLinux
import Glibc

/// Both ends of every connection that goes through a proxy: clients on one side of it, the backend on the other.
///
/// One thread and one epoll set serve both, so that a processor's worth of load is spent on system calls alone, without locks or
/// wake-ups between processes. All traffic is IPv4 on 127.0.0.1.
struct Ends: ~Copyable {
    let epoll: Int32
    /// Descriptors are below this; works keep their state in tables of this size.
    let limit: Int
    /// For bytes that come and go unread.
    let scratch: UnsafeMutableRawPointer
    static let scratchSize = 256 * 1024
    private let proxy: sockaddr_in
    private let listener: Int32

    /// What a descriptor is, in the upper half of its epoll data.
    enum Role: UInt64 { case listener, backend, client }

    init(proxyPort: UInt16, backendPort: UInt16) throws(SystemFailure) {
        cl_ignore_sigpipe()
        self.limit = Int(cl_raise_file_limit())
        self.epoll = cl_epoll_create()
        self.scratch = .allocate(byteCount: Self.scratchSize, alignment: 4096)
        self.scratch.initializeMemory(as: UInt8.self, repeating: 0x5A, count: Self.scratchSize)
        self.proxy = loopback(port: proxyPort)
        self.listener = cl_tcp_socket(AF_INET)
        _ = cl_set_reuse_address(self.listener)
        let address = loopback(port: backendPort)
        var status = withSocketAddress(address) { cl_bind(self.listener, $0, $1) }
        if status == 0 { status = cl_listen(self.listener, 4096) }
        guard status == 0 else { throw SystemFailure(doing: "listening on 127.0.0.1:\(backendPort)", number: -status) }
        self.watch(self.listener, .listener, CL_EPOLLIN)
    }

    func watch(_ fd: Int32, _ role: Role, _ events: UInt32) {
        _ = cl_epoll_add(self.epoll, fd, events, role.rawValue << 32 | UInt64(UInt32(bitPattern: fd)))
    }

    func watchAgain(_ fd: Int32, _ role: Role, _ events: UInt32) {
        _ = cl_epoll_remove(self.epoll, fd)
        self.watch(fd, role, events)
    }

    /// A client's socket, connected or about to be. On loopback the handshake is over before `connect` returns, so the caller
    /// may send at once, and has to wait for EPOLLOUT only if that fails.
    func open() -> Int32? {
        let fd = cl_tcp_socket(AF_INET)
        guard fd >= 0 else { return nil }
        let status = withSocketAddress(self.proxy) { cl_connect(fd, $0, $1) }
        guard status == 0 || status == -EINPROGRESS else {
            _ = cl_close(fd)
            return nil
        }
        _ = cl_set_no_delay(fd)
        return fd
    }

    /// The next connection that the proxy opened to the backend.
    func accept() -> Int32? {
        var client = sockaddr_storage()
        let fd = cl_accept(self.listener, &client)
        return fd >= 0 ? fd : nil
    }

    func close(_ fd: Int32) { _ = cl_close(fd) }
}

struct SystemFailure: Error, CustomStringConvertible {
    let doing: String
    let number: Int32
    var description: String { "\(self.doing): \(String(cString: strerror(self.number)))" }
}

func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}

func withSocketAddress<Result>(_ address: sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}
