import Glibc
import Synchronization

/// A DNS server on 127.0.0.1, UDP and TCP on one port, that answers as a test says.
final class ScriptedDNS: Sendable {
    struct Query: Hashable, Sendable {
        /// In lower case.
        var name: String
        var isIPv6: Bool
        var isTCP = false
    }

    enum Answer: Sendable {
        /// Addresses of the question's family, with a TTL in seconds.
        case addresses([String], ttl: UInt32 = 60)
        /// An alias with its own TTL, and the addresses of the name behind it.
        case alias(String, aliasTTL: UInt32, [String], ttl: UInt32)
        case noData
        case code(UInt8)
        /// Only over UDP: "ask by TCP".
        case truncated
        case garbage
        case silence
        case late(Int32, [String])

        static let noSuchName = Answer.code(3)
        static let serverFailure = Answer.code(2)
    }

    let port: UInt16
    private let udp, tcp: Int32
    private let script: Mutex<@Sendable (Query) -> Answer>
    private let asked = Mutex<[Query]>([])

    init(_ script: @escaping @Sendable (Query) -> Answer) {
        self.script = Mutex(script)
        // The port the kernel chose for UDP may be taken for TCP: then another.
        while true {
            let udp = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            let port = Self.bind(udp, port: 0)
            if port != 0, Self.bind(tcp, port: port) == port, listen(tcp, 16) == 0 {
                (self.udp, self.tcp, self.port) = (udp, tcp, port)
                break
            }
            _ = (close(udp), close(tcp))
        }
        let (udp, tcp) = (self.udp, self.tcp)
        startThread { [weak self] in
            while true {
                var waiting = [pollfd(fd: udp, events: Int16(POLLIN), revents: 0), pollfd(fd: tcp, events: Int16(POLLIN), revents: 0)]
                guard poll(&waiting, 2, 100) >= 0, let self else { break }
                if waiting[0].revents != 0 { self.serveUDP() }
                if waiting[1].revents != 0 { self.serveTCP() }
            }
            _ = (close(udp), close(tcp))
        }
    }

    var queries: [Query] { self.asked.withLock { $0 } }
    func forgetQueries() { self.asked.withLock { $0 = [] } }
    func change(_ script: @escaping @Sendable (Query) -> Answer) { self.script.withLock { $0 = script } }

    private func serveUDP() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var sender = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &sender) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(self.udp, &bytes, bytes.count, 0, $0, &size) }
        }
        guard count > 12 else { return }
        let (query, rest) = Self.read(Array(bytes.prefix(count)))
        let answer = self.decide(query)
        let udp = self.udp
        let client = sender
        let send: @Sendable ([UInt8]) -> Void = { reply in
            var client = client
            _ = withUnsafePointer(to: &client) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(udp, reply, reply.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        switch answer {
        case .silence: return
        case .garbage:
            send([1, 2, 3])
            send((0..<200).map { _ in .random(in: 0...255) })
            // The question's own identifier and question, then nonsense.
            send(Self.header(rest, flags: 0x8180, answers: 9) + rest.question + [0xc0, 0xff, 0, 1])
        case .late(let milliseconds, let addresses):
            startThread {
                usleep(UInt32(milliseconds) * 1000)
                send(Self.write(.addresses(addresses), query, rest))
            }
        default: send(Self.write(answer, query, rest))
        }
    }

    private func serveTCP() {
        let client = accept(self.tcp, nil, nil)
        guard client >= 0 else { return }
        defer { close(client) }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var bytes = [UInt8](repeating: 0, count: 4096)
        var count = 0
        while count < 2 || count < 2 + Int(bytes[0]) << 8 + Int(bytes[1]) {
            let got = bytes.withUnsafeMutableBytes { recv(client, $0.baseAddress! + count, $0.count - count, 0) }
            if got <= 0 { return }
            count += got
        }
        var (query, rest) = Self.read(Array(bytes[2..<count]))
        query.isTCP = true
        let reply = Self.write(self.decide(query), query, rest)
        let framed = [UInt8(reply.count >> 8), UInt8(reply.count & 255)] + reply
        _ = send(client, framed, framed.count, Int32(MSG_NOSIGNAL))
        // Until the client has it and closes.
        _ = recv(client, &bytes, 1, 0)
    }

    private func decide(_ query: Query) -> Answer {
        self.asked.withLock { $0.append(query) }
        return self.script.withLock { $0 }(query)
    }

    // RFC 1035 section 4.

    struct Rest: Sendable {
        var id: [UInt8]
        var question: [UInt8]
    }

    private static func read(_ bytes: [UInt8]) -> (Query, Rest) {
        var labels: [String] = []
        var position = 12
        while position < bytes.count, bytes[position] != 0 {
            let length = Int(bytes[position])
            labels.append(String(decoding: bytes[(position + 1)...].prefix(length), as: UTF8.self))
            position += length + 1
        }
        let end = position + 5
        let query = Query(name: labels.joined(separator: ".").lowercased(), isIPv6: bytes[position + 2] == 28)
        return (query, Rest(id: Array(bytes[0..<2]), question: Array(bytes[12..<end])))
    }

    private static func header(_ rest: Rest, flags: UInt16, answers: UInt8) -> [UInt8] {
        rest.id + [UInt8(flags >> 8), UInt8(flags & 255), 0, 1, 0, answers, 0, 0, 0, 0]
    }

    private static func name(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    private static func record(_ owner: [UInt8], _ type: UInt8, _ ttl: UInt32, _ data: [UInt8]) -> [UInt8] {
        owner + [0, type, 0, 1] + withUnsafeBytes(of: ttl.bigEndian) { Array($0) } + [0, UInt8(data.count)] + data
    }

    private static func address(_ text: String) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 16)
        if text.contains(":") {
            inet_pton(AF_INET6, text, &bytes)
            return bytes
        }
        inet_pton(AF_INET, text, &bytes)
        return Array(bytes.prefix(4))
    }

    private static func write(_ answer: Answer, _ query: Query, _ rest: Rest) -> [UInt8] {
        let pointer: [UInt8] = [0xc0, 12]
        let type: UInt8 = query.isIPv6 ? 28 : 1
        switch answer {
        case .addresses(let addresses, let ttl):
            let records = addresses.map { Self.record(pointer, type, ttl, Self.address($0)) }
            return Self.header(rest, flags: 0x8180, answers: UInt8(records.count)) + rest.question + records.flatMap { $0 }
        case .alias(let target, let aliasTTL, let addresses, let ttl):
            let alias = Self.record(pointer, 5, aliasTTL, Self.name(target))
            let records = addresses.map { Self.record(Self.name(target), type, ttl, Self.address($0)) }
            return Self.header(rest, flags: 0x8180, answers: UInt8(records.count + 1)) + rest.question + alias + records.flatMap { $0 }
        case .code(let code): return Self.header(rest, flags: 0x8180 | UInt16(code), answers: 0) + rest.question
        case .truncated: return Self.header(rest, flags: 0x8380, answers: 0) + rest.question
        case .noData, .garbage, .silence, .late: return Self.header(rest, flags: 0x8180, answers: 0) + rest.question
        }
    }

    private static func bind(_ fd: Int32, port: UInt16) -> UInt16 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(fd, $0, size) == 0 && getsockname(fd, $0, &size) == 0
            }
        } ? UInt16(bigEndian: address.sin_port) : 0
    }
}

func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let status = pthread_create(
        &thread, nil,
        {
            Unmanaged<Box>.fromOpaque($0!).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    precondition(status == 0)
    pthread_detach(thread)
}
