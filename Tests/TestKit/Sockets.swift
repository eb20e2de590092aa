import CLinux
import Glibc
import Synchronization

/// Runs blocking work on a thread of its own, so that tests never block the ones that run tasks.
package func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in startThread { continuation.resume(with: .init(catching: body)) } }
}

package func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let box = Unmanaged.passRetained(Box(body))
    let status = cl_thread_start("test", { Unmanaged<Box>.fromOpaque($0!).takeRetainedValue().body() }, box.toOpaque())
    precondition(status == 0)
}

package struct SocketError: Error, Equatable, CustomStringConvertible {
    package let number: Int32

    package init(number: Int32) { self.number = number }

    package var description: String { String(cString: strerror(self.number)) }
}

/// A blocking TCP socket. Whatever takes longer than 20 seconds is an error, so that no test hangs. A closed one refuses every use:
/// its number may be somebody else's by then.
package final class TestSocket: Sendable {
    private let descriptor: Mutex<Int32>
    package let fd: Int32

    package init(fd: Int32) {
        self.fd = fd
        self.descriptor = Mutex(fd)
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK)
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        _ = cl_set_no_delay(fd)
    }

    deinit { self.close() }

    package static func connect(port: UInt16, address: String = "127.0.0.1", receiveBuffer: Int32? = nil) throws -> TestSocket {
        let server = SocketAddress(address, port)
        let fd = cl_tcp_socket(server.family)
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK)
        if var size = receiveBuffer { setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        let status = server.withPointer { cl_connect(fd, $0, $1) }
        guard status == 0 else {
            _ = cl_close(fd)
            throw SocketError(number: -status)
        }
        return TestSocket(fd: fd)
    }

    private func checkOpen() throws {
        if self.descriptor.withLock({ $0 }) < 0 { throw SocketError(number: EBADF) }
    }

    package func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            try self.checkOpen()
            let count = rest.withUnsafeBytes { cl_send(self.fd, $0.baseAddress, $0.count) }
            if count == -Int(EINTR) { continue }
            guard count >= 0 else { throw SocketError(number: Int32(-count)) }
            rest = rest.dropFirst(count)
        }
    }

    /// Up to `count` bytes; empty at the end of the stream.
    package func receive(upTo count: Int = 65536) throws -> [UInt8] {
        while true {
            try self.checkOpen()
            var bytes = [UInt8](repeating: 0, count: count)
            let got = bytes.withUnsafeMutableBytes { cl_recv(self.fd, $0.baseAddress, $0.count) }
            if got == -Int(EINTR) { continue }
            guard got >= 0 else { throw SocketError(number: Int32(-got)) }
            bytes.removeLast(count - got)
            return bytes
        }
    }

    package func receive(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let part = try self.receive(upTo: count - bytes.count)
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }

    package func receiveToEnd() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let part = try self.receive()
            if part.isEmpty { return bytes }
            bytes += part
        }
    }

    package func shutdownWrite() { _ = cl_shutdown_write(self.fd) }

    package func close() {
        let fd = self.descriptor.withLock { fd in
            defer { fd = -1 }
            return fd
        }
        if fd >= 0 { _ = cl_close(fd) }
    }

    package func reset() {
        _ = cl_set_reset_on_close(self.fd)
        self.close()
    }
}

/// A server on loopback whose every connection is served on a thread.
package final class SocketServer: Sendable {
    package let port: UInt16
    private let fd: Int32
    private let count = Atomic<Int>(0)
    /// Shared with the accepting thread, which gives the number back.
    private let isOver = Over()

    private final class Over: Sendable {
        let state = Mutex(false)
    }

    package init(address: String = "127.0.0.1", port: UInt16 = 0, _ serve: @escaping @Sendable (TestSocket) throws -> Void) throws {
        let wanted = SocketAddress(address, port)
        let fd = cl_tcp_socket(wanted.family)
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK)
        _ = cl_set_reuse_address(fd)
        var status = wanted.withPointer { cl_bind(fd, $0, $1) }
        if status == 0 { status = cl_listen(fd, 1024) }
        guard status == 0 else { throw SocketError(number: -status) }
        var storage = sockaddr_storage()
        _ = cl_local_address(fd, &storage)
        self.port = SocketAddress(storage).port
        self.fd = fd
        startThread { [weak self, isOver] in
            while true {
                var storage = sockaddr_storage()
                let connection = cl_accept(fd, &storage)
                if connection < 0 {
                    // Not before: the next to get the number would have its connections taken here.
                    isOver.state.withLock { isOver in
                        isOver = true
                        _ = cl_close(fd)
                    }
                    return
                }
                self?.count.add(1, ordering: .relaxed)
                let socket = TestSocket(fd: connection)
                startThread { try? serve(socket) }
            }
        }
    }

    package var connections: Int { self.count.load(ordering: .relaxed) }

    package func stop() {
        // Ends the accept; the number is given back when the thread is out of it.
        self.isOver.state.withLock { isOver in
            if !isOver { shutdown(self.fd, Int32(SHUT_RDWR)) }
        }
    }

    deinit { self.stop() }

    /// Sends back what it gets, to the end.
    package static func echo(address: String = "127.0.0.1", port: UInt16 = 0) throws -> SocketServer {
        try SocketServer(address: address, port: port) { socket in
            while true {
                let bytes = try socket.receive()
                if bytes.isEmpty { break }
                try socket.send(bytes)
            }
            socket.shutdownWrite()
        }
    }
}

/// An IP address and a port as the system's calls want them.
private struct SocketAddress {
    private var storage = sockaddr_storage()

    init(_ storage: sockaddr_storage) { self.storage = storage }

    init(_ address: String, _ port: UInt16) {
        withUnsafeMutableBytes(of: &self.storage) { bytes in
            if address.contains(":") {
                var six = sockaddr_in6()
                six.sin6_family = sa_family_t(AF_INET6)
                six.sin6_port = port.bigEndian
                precondition(inet_pton(AF_INET6, address, &six.sin6_addr) == 1)
                bytes.storeBytes(of: six, as: sockaddr_in6.self)
            } else {
                var four = sockaddr_in()
                four.sin_family = sa_family_t(AF_INET)
                four.sin_port = port.bigEndian
                precondition(inet_pton(AF_INET, address, &four.sin_addr) == 1)
                bytes.storeBytes(of: four, as: sockaddr_in.self)
            }
        }
    }

    var family: Int32 { Int32(self.storage.ss_family) }

    /// The port is at the same place in both families.
    var port: UInt16 { withUnsafeBytes(of: self.storage) { UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) } }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        let size = self.family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        return withUnsafePointer(to: self.storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(size)) }
        }
    }
}
