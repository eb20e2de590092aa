import CLinux
import Glibc
import ProxyHeader
import Routing
import TestKit
import Testing

@testable import Relay

@Suite("PROXY protocol")
struct ProxyProtocolTests {
    private let hello = HelloBuilder(serverName: "a.test").records()

    private func header(_ source: String = "198.51.100.7", _ destination: String = "203.0.113.1") throws -> [UInt8] {
        ProxyHeader(
            .init(
                source: try #require(IPEndpoint(address: source, port: 4711)),
                destination: try #require(IPEndpoint(address: destination, port: 443)))
        ).bytes
    }

    /// A passthrough to `server` that takes and sends headers as told.
    private func config(_ server: TestServer, takes: Bool, sends: Bool, plain: Bool = false) -> ProxyConfig {
        var config = ProxyConfig.passthrough(["a.test"], to: server)
        config.listeners[0].proxyProtocol = takes ? .v2 : nil
        config.clusters[0].proxyProtocol = sends ? .v2 : nil
        if plain { config.listeners[0].kind = .outbound(service: "s", action: .passthrough(cluster: "c")) }
        return config
    }

    @Test(
        "a header in front is taken off, however it arrives, and the record has the client it names", arguments: [1, 7, 16, 28, 29, 1000])
    func taken(cut: Int) async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(self.config(server, takes: true, sends: false), workers: 1) { (fixture) async throws in
            let (port, hello) = (fixture.port, self.hello)
            let bytes = try self.header() + hello
            let client = try await onThread { try TestSocket.connect(port: port) }
            try await onThread { try client.send(Array(bytes[..<min(cut, bytes.count)])) }
            if cut < bytes.count {
                try await fixture.until { await fixture.engine.connections().contains { $0.state == .readingHello } }
                try await onThread { try client.send(Array(bytes[cut...])) }
            }
            let echoed = try await onThread {
                client.shutdownWrite()
                return try client.receiveToEnd()
            }
            #expect(echoed == hello)
            let record = try await fixture.record()
            #expect(record.verdict == .allowed)
            #expect(record.client.description == "198.51.100.7:4711")
        }
    }

    @Test("one byte per segment is a header too")
    func byteByByte() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(self.config(server, takes: true, sends: false), workers: 1) { (fixture) async throws in
            let (port, hello) = (fixture.port, self.hello)
            let bytes = try self.header() + hello
            let echoed = try await onThread {
                let client = try TestSocket.connect(port: port)
                for byte in bytes { try client.send([byte]) }
                client.shutdownWrite()
                return try client.receiveToEnd()
            }
            #expect(echoed == hello)
        }
    }

    @Test("a connection without one, or with a broken one, is closed without a word and without a reset")
    func refused() async throws {
        let server = try TestServer.echo()
        for (bytes, detail) in [
            (self.hello, "the connection does not begin with a PROXY protocol header"),
            (Array("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n".utf8), "the header is of PROXY protocol version 1; version 2 is needed"),
            (try self.header()[..<13] + [0x12, 0, 12] + Array(repeating: 0, count: 12), "the header speaks of another protocol than TCP"),
        ] {
            try await EngineFixture.run(self.config(server, takes: true, sends: false)) { (fixture) async throws in
                let port = fixture.port
                let answer = try await onThread {
                    let client = try TestSocket.connect(port: port)
                    try client.send(bytes)
                    return try client.receiveToEnd()
                }
                #expect(answer.isEmpty)
                let record = try await fixture.record()
                #expect(record.verdict == .refused(.malformedProxyHeader))
                #expect(record.detail == detail)
                #expect(fixture.engine.counters.refused[.malformedProxyHeader] == 1)
            }
        }
    }

    @Test("who stops in the middle of a header, or leaves, is not waited for")
    func silent() async throws {
        let server = try TestServer.echo()
        let part = Array(try self.header()[..<20])
        try await EngineFixture.run(
            self.config(server, takes: true, sends: false), options: { $0.helloTimeout = .milliseconds(200) }
        ) { (fixture) async throws in
            let port = fixture.port
            let client = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(part)
                return client
            }
            _ = try await fixture.record { $0.verdict == .refused(.helloTimeout) }
            client.close()
            try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(part)
                client.close()
            }
            _ = try await fixture.record { $0.verdict == .refused(.clientGone) }
        }
    }

    @Test("a header to the destination names the client and the address it connected to")
    func sent() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(self.config(server, takes: false, sends: true), workers: 1) { (fixture) async throws in
            let (port, hello) = (fixture.port, self.hello)
            let (echoed, local) = try await onThread {
                let client = try TestSocket.connect(port: port)
                var storage = sockaddr_storage()
                _ = cl_local_address(client.fd, &storage)
                try client.send(hello)
                client.shutdownWrite()
                return (try client.receiveToEnd(), IPEndpoint(storage))
            }
            let expected = ProxyHeader(
                .init(source: local, destination: try #require(IPEndpoint(address: "127.0.0.1", port: port))))
            #expect(echoed == expected.bytes + hello)
            #expect(try await fixture.record().bytesIn == UInt64(hello.count))
        }
    }

    @Test("what a header in front says is what the header to the destination says", arguments: [false, true])
    func passedOn(plain: Bool) async throws {
        let server = try TestServer.echo()
        for (source, destination) in [("198.51.100.7", "203.0.113.1"), ("2001:db8::7", "2001:db8::1")] {
            let header = try self.header(source, destination)
            try await EngineFixture.run(self.config(server, takes: true, sends: true, plain: plain)) { (fixture) async throws in
                let (port, hello) = (fixture.port, self.hello)
                let echoed = try await onThread {
                    let client = try TestSocket.connect(port: port)
                    try client.send(header + hello)
                    client.shutdownWrite()
                    return try client.receiveToEnd()
                }
                #expect(echoed == header + hello)
            }
        }
    }

    @Test("who speaks for itself is the client")
    func local() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(self.config(server, takes: true, sends: false)) { (fixture) async throws in
            let (port, hello) = (fixture.port, self.hello)
            _ = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(ProxyHeader().bytes + hello)
                client.shutdownWrite()
                return try client.receiveToEnd()
            }
            #expect(try await fixture.record().client.address == "127.0.0.1")
        }
    }

    @Test("a failed connect is tried again on another endpoint, which gets the header once")
    func retried() async throws {
        let server = try TestServer.echo()
        let gone = try TestServer { _ in }
        let gonePort = gone.port
        gone.stop()
        var config = self.config(server, takes: true, sends: true)
        config.clusters[0].endpoints = [
            Endpoint(address: "127.0.0.1", port: gonePort), Endpoint(address: "127.0.0.1", port: server.port, priority: 1),
        ]
        try await EngineFixture.run(config, workers: 1) { (fixture) async throws in
            let (port, hello) = (fixture.port, self.hello)
            let header = try self.header()
            let echoed = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(header + hello)
                client.shutdownWrite()
                return try client.receiveToEnd()
            }
            #expect(echoed == header + hello)
        }
    }

    @Test("a socket that is handed to the TLS side has its hello and not its header")
    func handedOff() async throws {
        var config = ProxyConfig.passthrough(["a.test"], to: [Endpoint(address: "127.0.0.1", port: 9)])
        config.listeners[0].proxyProtocol = .v2
        config.listeners[0].kind = .sni(routes: [
            Route(
                sni: ["*"], action: .terminate(mesh: "default", callers: CallerRules(allow: ["spiffe://default/*"]), cluster: "c"),
                origin: "o")
        ])
        try await EngineFixture.run(config) { (fixture) async throws in
            let (port, bytes) = (fixture.port, try self.header() + self.hello)
            let client = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(bytes)
                return client
            }
            try await fixture.until { !fixture.handoff.taken.isEmpty }
            let taken = fixture.handoff.taken[0]
            #expect(taken.client.description == "198.51.100.7:4711")
            let count = self.hello.count
            let received = try await onThread { try TestSocket(fd: taken.socket).receive(exactly: count) }
            #expect(received == self.hello)
            taken.finish(HandoffOutcome(verdict: .allowed, closeReason: .finished))
            client.close()
        }
    }
}
