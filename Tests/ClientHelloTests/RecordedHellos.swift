import FoundationEssentials
import TestKit
import Testing

@testable import ClientHello

/// Hellos of real clients, made by `Hellos/record.py`.
enum RecordedHellos {
    static func load(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Hellos")
        let text = String(decoding: try Data(contentsOf: folder.appending(path: name + ".hex")), as: UTF8.self)
        let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    static let named = [
        "openssl", "openssl-tls12", "openssl-tls10", "curl", "python", "python-tls12", "gnutls", "java", "node", "node24", "go",
        "go-no-mlkem", "chromium", "chromium-2", "firefox", "firefox-no-mlkem",
    ]
}

/// One answer for a whole input.
func parse(_ bytes: [UInt8], maxBytes: Int = 16 * 1024) -> ClientHelloParser.Outcome {
    var parser = ClientHelloParser(maxBytes: maxBytes)
    return parser.parse(bytes.span)
}

func found(_ bytes: [UInt8]) throws -> ClientHello {
    guard case .found(let hello, let wireBytes) = parse(bytes) else { throw NotFound(outcome: parse(bytes)) }
    #expect(wireBytes == bytes.count)
    return hello
}

struct NotFound: Error {
    let outcome: ClientHelloParser.Outcome
}

@Suite("Recorded hellos")
struct RecordedHelloTests {
    @Test("every client's name is found", arguments: RecordedHellos.named)
    func name(client: String) throws {
        #expect(try found(RecordedHellos.load(client)).serverName.description == "backend.example.test")
    }

    @Test("a mesh name with braces is a name")
    func meshName() throws {
        #expect(try found(RecordedHellos.load("openssl-mesh-name")).serverName.description == "backend{mesh=default}")
    }

    @Test("a client that names nobody is refused", arguments: ["openssl-no-name", "python-ip"])
    func noName(client: String) throws {
        #expect(parse(try RecordedHellos.load(client)) == .refused(.noServerName))
    }

    @Test("protocols and versions offered are told")
    func facts() throws {
        let openssl = try found(RecordedHellos.load("openssl"))
        #expect(openssl.alpn.names == ["h2", "http/1.1"])
        #expect(openssl.versions.isSuperset(of: [.tls12, .tls13]))
        #expect(openssl.ech == .none)
        #expect(!openssl.hasPostQuantumKeyShare)
        #expect(try found(RecordedHellos.load("openssl-tls12")).versions.contains(.tls12))
        #expect(try !found(RecordedHellos.load("openssl-tls12")).versions.contains(.tls13))
        #expect(try found(RecordedHellos.load("openssl-tls10")).versions == .tls10)
    }

    @Test("what today's browsers and libraries send is told: ML-KEM shares, ECH, versions beside GREASE")
    func modernFacts() throws {
        for (client, isPostQuantum, ech, firstProtocol) in [
            ("chromium", true, EncryptedClientHello.outer, "h2"), ("chromium-2", true, .outer, "h2"), ("firefox", true, .outer, "h2"),
            ("firefox-no-mlkem", false, .outer, "h2"), ("go", true, .none, "h2"), ("go-no-mlkem", false, .none, "h2"),
            ("node24", true, .none, "h2"), ("java", false, .none, "h2"),
        ] {
            let hello = try found(RecordedHellos.load(client))
            #expect(hello.hasPostQuantumKeyShare == isPostQuantum, "\(client)")
            #expect(hello.ech == ech, "\(client)")
            #expect(hello.alpn.names.first == firstProtocol, "\(client)")
            #expect(hello.versions == [.tls12, .tls13], "\(client)")
        }
    }

    @Test("every prefix asks for more bytes, and for no more than the answer takes", arguments: RecordedHellos.named)
    func prefixes(client: String) throws {
        let hello = try RecordedHellos.load(client)
        for count in 0..<hello.count {
            guard case .needMoreBytes(let atLeast) = parse(Array(hello[..<count])) else {
                Issue.record("\(count) bytes of \(hello.count) got an answer")
                return
            }
            #expect(atLeast > count && atLeast <= hello.count)
        }
    }

    @Test("any two cuts into records change nothing", arguments: ["openssl", "gnutls"])
    func cuts(client: String) throws {
        let hello = try RecordedHellos.load(client)
        let message = Array(hello[5...])
        let whole = try found(hello)
        for cut in 1..<message.count {
            #expect(try found(HelloBuilder.records(message, cuts: [cut])) == whole)
            let second = cut + (message.count - cut) / 2
            if second > cut { #expect(try found(HelloBuilder.records(message, cuts: [cut, second])) == whole) }
        }
    }

    @Test("records of one byte each change nothing, and their prefixes ask for more", arguments: RecordedHellos.named)
    func byteByByte(client: String) throws {
        let hello = try RecordedHellos.load(client)
        let wire = HelloBuilder.records(Array(hello[5...]), cuts: [], fragment: 1)
        #expect(try found(wire) == (try found(hello)))
        // Large ones by samples: every prefix of theirs as one record has its own test.
        for count in stride(from: 0, to: wire.count, by: wire.count > 4000 ? 241 : 1) {
            guard case .needMoreBytes(let atLeast) = parse(Array(wire[..<count])) else {
                Issue.record("\(count) bytes of \(wire.count) got an answer")
                return
            }
            #expect(atLeast > count && atLeast <= wire.count)
        }
    }

    @Test("waiting for as many bytes as asked for ends in few steps")
    func steps() throws {
        let hello = try RecordedHellos.load("curl")
        var parser = ClientHelloParser()
        var count = 1
        var steps = 0
        while case .needMoreBytes(let atLeast) = parser.parse(Array(hello[..<count]).span) {
            count = atLeast
            steps += 1
        }
        #expect(count == hello.count)
        #expect(steps <= 3)
    }

    @Test("bytes behind the hello, as early data, don't matter")
    func earlyData() throws {
        let hello = try RecordedHellos.load("openssl")
        #expect(parse(hello + [20, 3, 3, 0, 1, 1, 23, 3, 3]) == .found(try found(hello), wireBytes: hello.count))
    }
}
