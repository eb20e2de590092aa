import NIOCore
import ProxyHeader
import Routing
import Synchronization
import TestKit
import Testing

/// The PROXY protocol's header from one engine to the other: taken from the client ahead of its TLS, sent to the destination
/// ahead of everything.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ProxyHeaderProcessTests {
    private static func header(_ source: String, _ port: UInt16, _ destination: String, _ destinationPort: UInt16) throws -> [UInt8] {
        ProxyHeader(
            .init(
                source: try #require(IPEndpoint(address: source, port: port)),
                destination: try #require(IPEndpoint(address: destination, port: destinationPort)))
        ).bytes
    }

    /// Says something through mTLS and returns what came back.
    private static func ask(_ pki: StaticPKI, _ port: UInt16, preface: [UInt8], count: Int) async throws -> [UInt8] {
        try await TLSClient.with(try pki.clientContext(), port, preface: preface) { reading, outbound in
            try await outbound.write(ByteBuffer(string: "ping"))
            var answer: [UInt8] = []
            while answer.count < count, let part = try await reading.next() { answer += part.readableBytesView }
            return answer
        }
    }

    @Test(
        "a terminated client behind PROXY v2 is the one its header names, for the record and for the destination", arguments: [false, true])
    func taken(passesOn: Bool) async throws {
        let pki = try StaticPKI()
        let server = try SocketServer.echo()
        let cluster = passesOn ? ", proxyProtocol: v2" : ""
        let config = pki.terminating(to: server.port, listener: "proxyProtocol: v2", cluster: cluster)
        try await WatchedProxy.with(config, folder: pki.folder) { proxy in
            let port = try await proxy.port()
            for (number, (source, destination)) in [("198.51.100.7", "203.0.113.1"), ("2001:db8::7", "2001:db8::1")].enumerated() {
                let header = try Self.header(source, UInt16(4711 + number), destination, 443)
                let expected = (passesOn ? header : []) + Array("ping".utf8)
                #expect(try await Self.ask(pki, port, preface: header, count: expected.count) == expected)
                let line = try await proxy.process.line(containing: ":\(4711 + number)")
                #expect(line.contains(source) && line.contains("verdict=allowed") && line.contains("caller=spiffe://default/web"))
            }
        }
    }

    @Test("a terminated client without a header is turned away where one is wanted")
    func missing() async throws {
        let pki = try StaticPKI()
        let server = try SocketServer.echo()
        try await WatchedProxy.with(pki.terminating(to: server.port, listener: "proxyProtocol: v2"), folder: pki.folder) { proxy in
            let port = try await proxy.port()
            let answer = try? await Self.ask(pki, port, preface: [], count: 4)
            #expect(answer != Array("ping".utf8))
            #expect(try await proxy.refused("malformed_proxy_header") == 1)
            #expect(server.connections == 0)
        }
    }

    @Test("the destination behind termination gets the client's own address, ahead of plaintext and of TLS", arguments: [false, true])
    func sent(upstreamTLS: Bool) async throws {
        let pki = try StaticPKI()
        let first = Mutex<[UInt8]>([])
        let server = try SocketServer { socket in
            let bytes = try socket.receive(exactly: 16 + 12 + 4)
            first.withLock { $0 = bytes }
            try socket.send(Array("pong".utf8))
            _ = try socket.receiveToEnd()
        }
        let tls = upstreamTLS ? ", tls: {verify: none}" : ""
        try await WatchedProxy.with(pki.terminating(to: server.port, cluster: ", proxyProtocol: v2\(tls)"), folder: pki.folder) { proxy in
            let port = try await proxy.port()
            let answer = try? await Self.ask(pki, port, preface: [], count: 4)
            #expect((answer == Array("pong".utf8)) == !upstreamTLS)
            try await eventually("the header arrives", every: .milliseconds(20)) { first.withLock { !$0.isEmpty } ? true : nil }
            let bytes = first.withLock { $0 }
            // Where the client has its port from, only it knows.
            let source = UInt16(bytes[24]) << 8 | UInt16(bytes[25])
            #expect(bytes.prefix(28) == (try Self.header("127.0.0.1", source, "127.0.0.1", port))[...] && source > 1023)
            #expect(bytes.suffix(4) == (upstreamTLS ? [22, 3, 1, bytes[31]] : Array("ping".utf8)))
        }
    }
}
