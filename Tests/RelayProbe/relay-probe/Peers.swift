import Glibc

/// Blocking sockets: each side does one thing at a time, so that what the relay does is the same in each run.
func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return address
}

func check(_ holds: Bool, _ what: String) {
    if holds { return }
    print("\(what): \(String(cString: strerror(errno)))")
    exit(1)
}

/// One of the two ends, reading exactly as much as it expects.
struct Stream {
    let fd: Int32

    func send(_ bytes: UnsafeRawBufferPointer) {
        var sent = 0
        while sent < bytes.count {
            let count = Glibc.send(self.fd, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            check(count > 0, "send")
            sent += count
        }
    }

    /// False at the end.
    func receive(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
        let count = recv(self.fd, bytes.baseAddress, bytes.count, Int32(MSG_WAITALL))
        check(count == bytes.count || count == 0, "receive")
        return count > 0
    }
}

/// Answers each 64 bytes with 64, or with as many megabytes as the first of them says.
final class Upstream: Sendable {
    let port: UInt16
    private let listener: Int32

    init() {
        self.listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        check(isBound, "listen")
        self.port = UInt16(bigEndian: address.sin_port)
    }

    func start() {
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Upstream>.fromOpaque(context!).takeRetainedValue().serve()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        check(status == 0, "start a thread")
    }

    private func serve() {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
        while true {
            let stream = Stream(fd: accept(self.listener, nil, nil))
            check(stream.fd >= 0, "accept")
            if stream.receive(UnsafeMutableRawBufferPointer(rebasing: bytes[..<Client.hello.count])) {
                bytes.initializeMemory(as: UInt8.self, repeating: 0)
                stream.send(UnsafeRawBufferPointer(rebasing: bytes[..<64]))
                while stream.receive(UnsafeMutableRawBufferPointer(rebasing: bytes[..<64])) {
                    let megabytes = bytes[0]
                    if megabytes == 0 { stream.send(UnsafeRawBufferPointer(rebasing: bytes[..<64])) }
                    for _ in 0..<megabytes { stream.send(UnsafeRawBufferPointer(bytes)) }
                }
            }
            _ = close(stream.fd)
        }
    }
}

final class Client {
    /// A ClientHello of TLS 1.2 with a server name and padding, 517 bytes as browsers send.
    static let hello: [UInt8] = {
        let name = Array("service.example.test".utf8)
        func sized(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes }
        let serverName = [0, 0] + sized(sized([0] + sized(name)))
        let before = [3, 3] + [UInt8](repeating: 7, count: 32) + [0] + sized([0xC0, 0x2F]) + [1, 0]
        let padding = 517 - 5 - 4 - before.count - 2 - serverName.count - 4
        let body = before + sized(serverName + [0, 21] + sized([UInt8](repeating: 0, count: padding)))
        return [22, 3, 1] + sized([1, 0] + sized(body))
    }()

    private let port: UInt16
    private var stream = Stream(fd: -1)
    private let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)

    init(port: UInt16) { self.port = port }

    func open() {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var one: Int32 = 1
        setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        var address = loopback(self.port)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        check(status == 0, "connect")
        self.stream = Stream(fd: fd)
        Self.hello.withUnsafeBytes { self.stream.send($0) }
        check(self.stream.receive(UnsafeMutableRawBufferPointer(rebasing: self.bytes[..<64])), "answer to the hello")
    }

    func exchange() {
        self.open()
        shutdown(self.stream.fd, Int32(SHUT_WR))
        check(!self.stream.receive(UnsafeMutableRawBufferPointer(rebasing: self.bytes[..<1])), "end")
        _ = close(self.stream.fd)
    }

    func ping() { self.ask(0, times: 1, answer: 64) }

    /// 200 megabytes at most.
    func pull(megabytes: Int) { self.ask(UInt8(megabytes), times: megabytes, answer: 1 << 20) }

    private func ask(_ first: UInt8, times: Int, answer: Int) {
        let question = UnsafeMutableRawBufferPointer(rebasing: self.bytes[..<64])
        question.initializeMemory(as: UInt8.self, repeating: 0)
        question[0] = first
        self.stream.send(UnsafeRawBufferPointer(question))
        for _ in 0..<times {
            check(self.stream.receive(UnsafeMutableRawBufferPointer(rebasing: self.bytes[..<answer])), "answer")
        }
    }
}
