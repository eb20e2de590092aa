import TestKit
import Testing

@testable import ClientHello

@Suite("Hellos of today")
struct ModernHelloTests {
    /// As Chrome sends it: GREASE, ML-KEM share, ECH.
    private var large: HelloBuilder {
        var hello = HelloBuilder()
        hello.cipherSuites = [0x2A2A, 0x1301, 0x1302, 0x1303]
        hello.add(0x4A4A, [])
        hello.add(serverName: "Example.TEST")
        hello.add(keyShares: [(0x2A2A, 1), (0x11EC, 1216), (29, 32)])
        hello.add(supportedVersions: [0x5A5A, 0x0304, 0x0303])
        hello.add(
            0xFE0D,
            [0, 0, 1, 0, 1, 7] + HelloBuilder.vector16(Array(repeating: 1, count: 32))
                + HelloBuilder.vector16(Array(repeating: 2, count: 200)))
        hello.add(alpn: ["h2", "http/1.1"])
        hello.add(0x6A6A, [0])
        return hello
    }

    @Test("a post-quantum hello is found in one record and in several")
    func postQuantum() throws {
        let hello = try found(self.large.records())
        #expect(hello.serverName.description == "example.test")
        #expect(hello.hasPostQuantumKeyShare)
        #expect(hello.ech == .outer)
        #expect(hello.versions == [.tls12, .tls13])
        #expect(hello.versions.description == "1.2,1.3")
        #expect(try found(self.large.records(fragment: 512)) == hello)
        #expect(try found(self.large.records(fragment: 1)) == hello)
    }

    @Test("a hello close to 16 KiB is found, its name behind everything else")
    func almostTooLarge() throws {
        var hello = HelloBuilder()
        hello.add(21, Array(repeating: 0, count: 16_000))
        hello.add(serverName: "a.test")
        #expect(try found(hello.records()).serverName.description == "a.test")
        #expect(try found(hello.records(fragment: 1000)).serverName.description == "a.test")
    }

    @Test("more protocols than fit are counted and not kept")
    func manyProtocols() throws {
        var hello = HelloBuilder()
        hello.add(serverName: "a.test")
        hello.add(alpn: Array(repeating: "sixteen-bytes-id", count: 10))
        let offer = try found(hello.records()).alpn
        #expect(offer.count == 10)
        #expect(offer.names == Array(repeating: "sixteen-bytes-id", count: 3))
    }

    @Test("names are compared without case and trailing dot")
    func equality() throws {
        #expect(try ServerName("A.Test.") == ServerName("a.test"))
        #expect(try ServerName("A.Test.").hashValue == ServerName("a.test").hashValue)
        #expect(try ServerName("a.test") != ServerName("b.test"))
    }
}
