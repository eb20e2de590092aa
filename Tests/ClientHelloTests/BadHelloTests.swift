import TestKit
import Testing

@testable import ClientHello

@Suite("Hellos nobody should send")
struct BadHelloTests {
    private func outcome(_ change: (inout HelloBuilder) -> Void) -> ClientHelloParser.Outcome {
        var hello = HelloBuilder()
        change(&hello)
        return parse(hello.records())
    }

    @Test("plaintext HTTP is called that", arguments: ["GET / HTTP/1.1\r\n", "POST /x", "PRI * HTTP/2.0\r\n", "CONNECT a:443 HTTP/1.1"])
    func http(text: String) { #expect(parse(Array(text.utf8)) == .refused(.plaintextHTTP)) }

    @Test("half a method could still be one")
    func halfMethod() { #expect(parse(Array("GE".utf8)) == .needMoreBytes(atLeast: 4)) }

    @Test("SSL 2 is called that")
    func sslv2() {
        #expect(parse([0x80, 0x2E, 1, 0, 2, 0, 0x15]) == .refused(.sslv2))
        #expect(parse([0x80, 0x2E, 1, 3, 1, 0, 0x15]) == .refused(.sslv2))
        #expect(parse([0x80, 0x2E, 4]) == .refused(.notTLS))
    }

    @Test(
        "what is no TLS is called that",
        arguments: [
            [0], [21, 3, 3, 0, 2, 2, 70], [22, 2, 0, 0, 5, 1], Array("SSH-2.0-x\r\n".utf8), Array("PROXY TCP4".utf8),
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        ] as [[UInt8]])
    func notTLS(bytes: [UInt8]) { #expect(parse(bytes) == .refused(.notTLS)) }

    @Test("a hello without extensions, or without a name in them, has no name")
    func noName() {
        #expect(self.outcome { $0.extensions = nil } == .refused(.noServerName))
        #expect(self.outcome { $0.add(alpn: ["h2"]) } == .refused(.noServerName))
    }

    @Test("an empty name, and an empty list of names, are empty")
    func empty() {
        #expect(self.outcome { $0.add(serverName: "") } == .refused(.emptyServerName))
        #expect(self.outcome { $0.add(serverName: ".") } == .refused(.emptyServerName))
        #expect(self.outcome { $0.add(serverNames: []) } == .refused(.emptyServerName))
    }

    @Test("255 bytes of name are fine, 256 too many")
    func length() throws {
        let long = Array(repeating: String(repeating: "a", count: 63), count: 4).joined(separator: ".")
        #expect(try found(HelloBuilder(serverName: long).records()).serverName.count == 255)
        #expect(self.outcome { $0.add(serverName: "a" + long) } == .refused(.serverNameTooLong))
    }

    @Test("non-ASCII is refused as such", arguments: ["münchen.example", "例え.test", "a\u{80}"])
    func nonASCII(name: String) { #expect(self.outcome { $0.add(serverName: name) } == .refused(.serverNameNotASCII)) }

    @Test(
        "what is no name is refused as such",
        arguments: ["a b", "a..b", ".a", "a/b", "a\u{0}b", "a\nb", "*.example.test", "user@host", "[::1]", "a:443", "a.."])
    func invalid(name: String) { #expect(self.outcome { $0.add(serverName: name) } == .refused(.invalidServerName)) }

    @Test(
        "addresses are refused as such",
        arguments: ["127.0.0.1", "10.0.0.1.", "::1", "fe80::1", "::ffff:1.2.3.4", "2130706433", "127.1", "0x7f.0.0.1", "0X7F000001"])
    func address(name: String) { #expect(self.outcome { $0.add(serverName: name) } == .refused(.ipLiteralServerName)) }

    @Test(
        "names that only look like addresses are names",
        arguments: ["1.2.3.4.nip.io", "10-0-0-1.pod", "0xcafe.example", "1{mesh=2}", "a_b", "123a"])
    func almostAddress(name: String) throws { #expect(try found(HelloBuilder(serverName: name).records()).serverName.description == name) }

    @Test("two names are refused, in one list or in two extensions")
    func duplicates() {
        #expect(self.outcome { $0.add(serverNames: [Array("a.test".utf8), Array("b.test".utf8)]) } == .refused(.duplicateServerName))
        #expect(
            self.outcome {
                $0.add(serverName: "a.test")
                $0.add(serverName: "a.test")
            } == .refused(.duplicateServerName))
    }

    @Test("a name of an unknown type is malformed")
    func unknownType() {
        #expect(self.outcome { $0.add(0, HelloBuilder.vector16([1] + HelloBuilder.vector16([97]))) } == .refused(.malformed))
    }

    @Test("an extension may come once only, whether we read it or not", arguments: [16, 43, 51, 0xFE0D, 41, 0x5A5A, 10] as [UInt16])
    func twice(type: UInt16) {
        let outer: [UInt8] = [0, 0, 1, 0, 1, 7, 0, 0, 0, 1, 9]
        let data: [UInt16: [UInt8]] = [16: [0, 3, 2, 104, 50], 43: [2, 3, 4], 51: [0, 0], 0xFE0D: outer, 41: [0, 0], 0x5A5A: []]
        #expect(
            self.outcome {
                $0.add(serverName: "a.test")
                $0.add(type, data[type] ?? [])
                $0.add(type, data[type] ?? [])
            } == .refused(.malformed))
    }

    @Test("broken lists inside extensions are malformed")
    func brokenLists() {
        let broken: [(UInt16, [UInt8])] = [
            (0, [0]), (0, [0, 9, 0, 0, 1, 97]), (0, [0, 4, 0, 0, 1, 97, 97]), (0, [0, 4, 0, 0, 9, 97]), (16, []), (16, [0, 0]),
            (16, [0, 1, 0]),
            (16, [0, 2, 5, 97]), (43, [0]), (43, [1, 3]), (43, [3, 3, 4, 3]), (51, [0, 4, 0, 29, 0, 9]), (51, [0, 9]), (0xFE0D, []),
            (0xFE0D, [2]), (0xFE0D, [0]), (0xFE0D, [1, 0]), (0xFE0D, [0, 0, 1, 0, 1, 7, 0, 0, 0, 0]),
            (0xFE0D, [0, 0, 1, 0, 1, 7, 0, 9, 0, 1, 9]), (0xFE0D, [0, 0, 1, 0, 1, 7, 0, 0, 0, 1, 9, 9]),
        ]
        for (type, data) in broken {
            #expect(
                self.outcome {
                    if type != 0 { $0.add(serverName: "a.test") }
                    $0.add(type, data)
                } == .refused(.malformed), "extension \(type) with \(data)")
        }
    }

    @Test("lists of the hello itself that break the rules are malformed")
    func brokenHello() {
        #expect(self.outcome { $0.sessionID = Array(repeating: 0, count: 33) } == .refused(.malformed))
        #expect(self.outcome { $0.cipherSuites = [] } == .refused(.malformed))
        #expect(self.outcome { $0.compressionMethods = [] } == .refused(.malformed))
        #expect(self.outcome { $0.compressionMethods = [1] } == .refused(.malformed), "null is not optional")
        #expect(self.outcome { $0.version = 0x0200 } == .refused(.malformed))
        #expect(self.outcome { $0.version = 0x0300 } == .refused(.malformed), "SSL 3")
        #expect(self.outcome { $0.version = 0x0305 } == .refused(.malformed), "frozen at 3.3 (RFC 8446 section 4.1.2)")
        #expect(self.outcome { $0.version = 0x0403 } == .refused(.malformed))
        var odd = HelloBuilder(serverName: "a.test").records()
        // Another byte of cipher suites, and every length around it.
        odd.insert(0x13, at: 84)
        for index in [4, 8, 77] { odd[index] += 1 }
        #expect(parse(odd) == .refused(.malformed), "seven bytes of cipher suites")
    }

    @Test("compression beside null is an old client's, and malformed where TLS 1.3 is offered")
    func compression() throws {
        var hello = HelloBuilder()
        hello.compressionMethods = [1, 0]
        hello.add(serverName: "a.test")
        #expect(try found(hello.records()).versions == [.tls10, .tls11, .tls12])
        hello.add(supportedVersions: [0x0304, 0x0303])
        #expect(parse(hello.records()) == .refused(.malformed))
    }

    @Test("a pre-shared key comes last or not at all")
    func preSharedKey() throws {
        var hello = HelloBuilder(serverName: "a.test")
        hello.add(41, [1, 2, 3])
        #expect(try found(hello.records()).serverName.description == "a.test")
        hello.add(0x5A5A, [])
        #expect(parse(hello.records()) == .refused(.malformed))
    }

    @Test("sixty-four extensions beyond the low numbers are fine, one more is too many")
    func manyExtensions() throws {
        var hello = HelloBuilder(serverName: "a.test")
        for type in 0..<64 as Range<UInt16> { hello.add(1000 + type, []) }
        #expect(try found(hello.records()).serverName.description == "a.test")
        hello.add(2000, [])
        #expect(parse(hello.records()) == .refused(.malformed))
    }

    @Test("record versions are not looked at beyond their major number", arguments: [0, 1, 3, 4, 255] as [UInt8])
    func recordVersion(minor: UInt8) throws {
        var wire = HelloBuilder(serverName: "a.test").records(fragment: 50)
        for start in stride(from: 0, to: wire.count, by: 55) { wire[start + 2] = minor }
        #expect(try found(wire).serverName.description == "a.test")
        wire[55 + 1] = 2
        #expect(parse(wire) == .refused(.malformed))
    }

    @Test("a server name longer than its type's list, or behind another type, is malformed")
    func nameTypes() {
        let host = [0] + HelloBuilder.vector16(Array("a.test".utf8))
        for list in [[1] + HelloBuilder.vector16([97]) + host, host + [1] + HelloBuilder.vector16([97]), host + [0], host + [0, 0]] {
            #expect(self.outcome { $0.add(0, HelloBuilder.vector16(list)) } == .refused(.malformed), "\(list)")
        }
        // An answer a server gives, never a client.
        #expect(self.outcome { $0.add(0, []) } == .refused(.malformed))
    }

    @Test("broken bytes are called broken, whatever the name is")
    func brokenBeforeName() {
        #expect(
            self.outcome {
                $0.add(serverName: "10.0.0.1")
                $0.add(16, [9])
            } == .refused(.malformed))
        #expect(
            self.outcome {
                $0.add(serverName: "a.test")
                $0.add(serverName: "a.test")
                $0.add(16, [9])
            } == .refused(.malformed))
    }

    @Test("a name that was refused can be read in the log, and can't break it")
    func refusedNames() {
        func name(_ text: String) -> String? {
            var parser = ClientHelloParser()
            guard case .refused = parser.parse(HelloBuilder(serverName: text).records().span) else { return "not refused" }
            return parser.refusedName
        }
        #expect(name("10.0.0.1") == "10.0.0.1")
        #expect(name("Ü b\"\\\n") == "\\xC3\\x9C\\x20b\\x22\\x5C\\x0A")
        #expect(name("") == nil)
        #expect(name(String(repeating: "a", count: 300)) == String(repeating: "a", count: 252) + "...")
        #expect(name(String(repeating: "\n", count: 255)) == String(repeating: "\\x0A", count: 63) + "...")
        var parser = ClientHelloParser()
        _ = parser.parse(HelloBuilder(serverName: "10.0.0.1").records().span)
        _ = parser.parse([22, 3, 1, 0, 0].span)
        #expect(parser.refusedName == nil, "the last hello's name is gone")
        var twice = HelloBuilder()
        twice.add(serverNames: [Array("a.test".utf8), Array("b.test".utf8)])
        _ = parser.parse(twice.records(fragment: 7).span)
        #expect(parser.refusedName == "a.test")
    }

    @Test("records of one byte each, sent one by one, are looked at a few times only")
    func dribble() {
        let wire = HelloBuilder(serverName: "a.test").records(fragment: 1)
        var parser = ClientHelloParser()
        var count = 1
        var steps = 0
        while case .needMoreBytes(let atLeast) = parser.parse(Array(wire[..<count]).span) {
            count = atLeast
            steps += 1
        }
        #expect(count == wire.count)
        #expect(steps < 40)
    }

    @Test("every length field, one off either way, is refused or asked more for, and never believed")
    func lengths() throws {
        let good = HelloBuilder(serverName: "a.test").records()
        let expected = try found(good)
        // Record, message, session, suites, compression, extension block, first extension, name list, name.
        let fields: [Range<Int>] = [3..<5, 6..<9, 43..<44, 76..<78, 84..<85, 86..<88, 90..<92, 92..<94, 95..<97]
        for field in fields {
            for change in [-1, 1, 128] {
                var bytes = good
                let value = field.reduce(0) { $0 << 8 | Int(bytes[$1]) } + change
                guard value >= 0, value < 1 << (8 * field.count) else { continue }
                for (offset, index) in field.enumerated() {
                    bytes[index] = UInt8(truncatingIfNeeded: value >> (8 * (field.count - 1 - offset)))
                }
                #expect(parse(bytes) != .found(expected, wireBytes: good.count), "field at \(field) changed by \(change)")
            }
        }
    }

    @Test("records that break the rules are malformed")
    func brokenRecords() {
        let message = HelloBuilder(serverName: "a.test").message
        let first = [22, 3, 1] + HelloBuilder.vector16(Array(message[..<20]))
        #expect(parse([22, 3, 1, 0, 0]) == .refused(.malformed), "empty record")
        #expect(parse(first + [20, 3, 3, 0, 1, 1]) == .refused(.malformed), "change_cipher_spec in between")
        #expect(parse(first + [21]) == .refused(.malformed), "an alert in between")
        #expect(parse([22, 3, 1, 0x40, 1, 1]) == .refused(.malformed), "record above 2^14")
        #expect(parse([22, 3, 1, 0, 4, 2]) == .refused(.malformed), "no client_hello")
        #expect(parse(first + [23, 3, 3, 0, 1, 0]) == .refused(.malformed), "application data in between")
        #expect(parse(first + [22, 3, 3, 0, 0, 0]) == .refused(.malformed), "empty record in between")
        #expect(
            parse([22, 3, 1] + HelloBuilder.vector16(message + [0])) == .refused(.malformed), "another message behind it in its record")
    }

    @Test("what can't fit under the limit is refused as soon as its length is known")
    func tooLarge() {
        #expect(parse([22, 3, 1, 0x40, 0, 1, 0, 0x40, 0]) == .refused(.tooLarge))
        #expect(parse([22, 3, 1, 0x40, 0, 1, 0xFF, 0xFF, 0xFF]) == .refused(.tooLarge))
        var hello = HelloBuilder(serverName: "a.test")
        hello.add(21, Array(repeating: 0, count: 3000))
        #expect(parse(hello.records(), maxBytes: 2048) == .refused(.tooLarge))
        // One byte per record costs six on the wire.
        #expect(parse(hello.records(fragment: 1)) == .refused(.tooLarge))
    }

    @Test("random damage never crashes, and more bytes are only asked for where there could be more")
    func mutation() throws {
        var generator = SeededGenerator(seed: 0xE9_2E7)
        let originals =
            try RecordedHellos.named.map(RecordedHellos.load) + [
                HelloBuilder.records(HelloBuilder(serverName: "a.test").message, cuts: [3, 40, 41])
            ]
        var parser = ClientHelloParser()
        for round in 0..<60_000 {
            var bytes = originals[round % originals.count]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
                case 1:
                    bytes[Int.random(in: 0..<min(120, bytes.count), using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: Int.random(in: bytes.indices, using: &generator))
                }
                if bytes.isEmpty { bytes = [22] }
            }
            if case .needMoreBytes(let atLeast) = parser.parse(bytes.span) { #expect(atLeast > bytes.count && atLeast <= 16 * 1024) }
        }
    }
}
