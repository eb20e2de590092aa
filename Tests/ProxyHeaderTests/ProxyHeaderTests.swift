import Routing
import TestKit
import Testing

@testable import ProxyHeader

@Suite("PROXY protocol headers")
struct ProxyHeaderTests {
    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A] + Array("QUIT\n".utf8)

    private func endpoint(_ address: String, _ port: UInt16) throws -> IPEndpoint { try #require(IPEndpoint(address: address, port: port)) }

    private func parse(_ bytes: [UInt8]) -> ProxyHeader.Outcome { ProxyHeader.parse(bytes.span) }

    private func header(_ command: UInt8, _ family: UInt8, _ body: [UInt8]) -> [UInt8] {
        Self.signature + [command, family, UInt8(body.count >> 8), UInt8(body.count & 255)] + body
    }

    private let four: [UInt8] = [10, 1, 2, 3, 192, 0, 2, 9, 0x12, 0x34, 1, 0xBB]

    /// As HAProxy 2.6 sends it.
    @Test("IPv4 addresses and ports are read, and nothing behind the header is")
    func ipv4() throws {
        let bytes = self.header(0x21, 0x11, self.four)
        let expected = ProxyHeader(.init(source: try self.endpoint("10.1.2.3", 0x1234), destination: try self.endpoint("192.0.2.9", 443)))
        #expect(self.parse(bytes + [22, 3, 1]) == .found(expected, length: 28))
        #expect(expected.bytes == bytes)
    }

    @Test("IPv6 addresses and ports are read")
    func ipv6() throws {
        let header = ProxyHeader(
            .init(source: try self.endpoint("2001:db8::1", 5000), destination: try self.endpoint("2001:db8::2", 10002)))
        #expect(header.bytes.count == 52)
        #expect(self.parse(header.bytes) == .found(header, length: 52))
    }

    @Test("who speaks for itself, or of no IP address, leaves the connection's own addresses")
    func unspecified() {
        #expect(self.parse(self.header(0x20, 0, [])) == .found(ProxyHeader(), length: 16))
        #expect(ProxyHeader().bytes == self.header(0x20, 0, []))
        #expect(self.parse(self.header(0x20, 0x11, self.four)) == .found(ProxyHeader(), length: 28), "LOCAL wins over addresses")
        #expect(self.parse(self.header(0x20, 0xFF, [1])) == .found(ProxyHeader(), length: 17), "all of LOCAL is skipped")
        #expect(self.parse(self.header(0x21, 0, [])) == .found(ProxyHeader(), length: 16))
        #expect(self.parse(self.header(0x21, 0x31, Array(repeating: 0x61, count: 216))) == .found(ProxyHeader(), length: 232))
    }

    @Test("a mapped IPv4 address is IPv4 where both are, and a mixed pair is IPv6")
    func families() throws {
        let mapped = ProxyHeader(
            .init(source: try self.endpoint("::ffff:10.1.2.3", 0x1234), destination: try self.endpoint("192.0.2.9", 443)))
        #expect(mapped.bytes == self.header(0x21, 0x11, self.four))
        let mixed = ProxyHeader(.init(source: try self.endpoint("10.1.2.3", 1), destination: try self.endpoint("2001:db8::2", 2)))
        guard case .found(let read, 52) = self.parse(mixed.bytes) else {
            Issue.record("\(mixed.bytes)")
            return
        }
        #expect(read.addresses?.source.description == "[::ffff:10.1.2.3]:1")
        #expect(read.addresses?.destination.description == "[2001:db8::2]:2")
    }

    @Test("extensions are skipped, and a checksum among them is checked")
    func extensions() {
        func with(_ checksum: [UInt8]) -> [UInt8] {
            self.header(0x21, 0x11, self.four + [0x02, 0, 3, 97, 46, 98, 0x04, 0, 0, 0x03, 0, 4] + checksum + [0xEE, 0, 0])
        }
        var sum = CRC32C()
        for byte in with([0, 0, 0, 0]) { sum.combine(byte) }
        let good = (0..<4).map { UInt8(truncatingIfNeeded: sum.value >> (24 - 8 * $0)) }
        guard case .found(_, length: with(good).count) = self.parse(with(good)) else {
            Issue.record("\(self.parse(with(good)))")
            return
        }
        #expect(self.parse(with(good.reversed())) == .refused(.checksum))
        // RFC 3720 appendix B.4.
        var known = CRC32C()
        for byte in Array("123456789".utf8) { known.combine(byte) }
        #expect(known.value == 0xE306_9283)
    }

    @Test("what breaks the rules is refused with its reason")
    func refused() {
        let cases: [([UInt8], ProxyHeaderProblem)] = [
            ([22, 3, 1], .missing), (Array("GET / HTTP/1.1\r\n".utf8), .missing), (Self.signature.dropLast() + [0x0B], .missing),
            (Array("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n".utf8), .versionOne), (self.header(0x11, 0x11, self.four), .version),
            (self.header(0x31, 0x11, self.four), .version), (self.header(0x22, 0x11, self.four), .command),
            (self.header(0x21, 0x12, self.four), .family), (self.header(0x21, 0x41, self.four), .family),
            (self.header(0x21, 0x21, self.four), .tooShort), (self.header(0x21, 0x11, Array(self.four.dropLast())), .tooShort),
            (self.header(0x21, 0x11, self.four + [1]), .brokenExtension),
            (self.header(0x21, 0x11, self.four + [1, 0, 9, 0]), .brokenExtension),
            (self.header(0x21, 0x11, self.four + [3, 0, 3, 0, 0, 0]), .brokenExtension),
            (self.header(0x21, 0x11, self.four + Array(repeating: 0, count: 2048)), .tooLong),
        ]
        for (bytes, problem) in cases { #expect(self.parse(bytes) == .refused(problem), "\(bytes.prefix(40))") }
    }

    @Test("every prefix asks for more, and for no more than the header has")
    func prefixes() throws {
        let bytes = self.header(0x21, 0x11, self.four + [0x04, 0, 2, 0, 0])
        for count in 0..<bytes.count {
            guard case .needMoreBytes(let atLeast) = self.parse(Array(bytes[..<count])) else {
                Issue.record("\(count) bytes got an answer")
                return
            }
            #expect(atLeast > count && atLeast <= bytes.count)
        }
    }
}
