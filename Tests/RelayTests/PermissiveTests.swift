import Routing
import TestKit
import Testing

@testable import Relay

@Suite("Permissive listeners")
struct PermissiveTests {
    private static func hello(_ serverName: String?, alpn: [String]) -> [UInt8] {
        var hello = HelloBuilder()
        if let serverName { hello.add(serverName: serverName) }
        hello.add(alpn: alpn)
        hello.add(supportedVersions: [0x0304, 0x0303])
        return hello.records()
    }

    private static func kind(mesh: String = "w") -> Listener.Kind {
        .permissive(
            routes: [
                Route(
                    sni: ["*"], action: .terminate(mesh: "default", callers: CallerRules(), cluster: mesh), origin: "Dataplane/web")
            ], other: .passthrough(cluster: "w"))
    }

    private func config(to port: UInt16, kind: Listener.Kind = Self.kind()) -> ProxyConfig {
        ProxyConfig(
            listeners: [Listener(name: "inbound:1", address: "127.0.0.1", port: 0, kind: kind)],
            clusters: [Cluster(name: "w", endpoints: [Endpoint(address: "127.0.0.1", port: port)])])
    }

    @Test("TLS of the mesh is handed off unread, also in pieces and whatever its server name", arguments: [false, true])
    func mesh(inPieces: Bool) async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(self.config(to: server.port)) { (fixture) async throws in
            let port = fixture.port
            let hello = Self.hello("web{mesh=default}", alpn: ["istio", "kuma"])
            let client = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(inPieces ? Array(hello[..<30]) : hello)
                return client
            }
            if inPieces {
                try await fixture.until { await fixture.engine.connections().contains { $0.state == .readingHello } }
                try await onThread { try client.send(Array(hello[30...])) }
            }
            try await fixture.until { fixture.handoff.taken.count == 1 }
            let taken = fixture.handoff.taken[0]
            #expect(taken.serverName == "web{mesh=default}")
            #expect(taken.origin == "Dataplane/web")
            let peer = TestSocket(fd: taken.socket)
            #expect(try await onThread { try peer.receive(exactly: hello.count) } == hello)
            peer.close()
            taken.finish(HandoffOutcome(verdict: .refused(.notPermitted), closeReason: .refused))
        }
    }

    @Test("A route of a mesh's own passes through what offers the mesh's protocol, and is none for others")
    func routeOfMesh() async throws {
        let server = try TestServer.echo()
        let route = Route(sni: ["web{mesh=default}"], action: .passthrough(cluster: "w"), origin: "service/web", ofMesh: true)
        try await EngineFixture.run(self.config(to: server.port, kind: .sni(routes: [route]))) { (fixture) async throws in
            let port = fixture.port
            for (alpn, passes) in [(["kuma"], true), (["h2"], false), (["kum", "kumas"], false)] {
                let hello = Self.hello("web{mesh=default}", alpn: alpn)
                let heard = try await onThread {
                    let client = try TestSocket.connect(port: port)
                    try client.send(hello)
                    return try client.receive(exactly: 7)
                }
                // The echo of the hello, or an alert of the reason unrecognized_name.
                #expect(passes ? heard == Array(hello[..<7]) : heard[0] == 21 && heard[6] == 112, "\(alpn)")
            }
        }
    }

    @Test(
        "everything else goes on as it came",
        arguments: [
            ("an HTTP request", Array("GET / HTTP/1.1\r\n\r\n".utf8)),
            ("a byte", [1]),
            ("the beginning of a request", Array("GE".utf8)),
            ("TLS of the workload's own", hello("web.test", alpn: ["h2", "http/1.1"])),
            ("TLS without a server name", hello(nil, alpn: [])),
            ("TLS to an address", hello("10.0.0.1", alpn: [])),
            ("a protocol that only begins like TLS", [22, 3, 1, 0, 0, 9, 9]),
            ("SSL 2", [0x80, 0x2E, 1, 0, 2, 0, 0, 0, 0, 0]),
            ("an alert", [21, 3, 3, 0, 2, 2, 40]),
            ("zeros", Array(repeating: 0, count: 70_000)),
        ] as [(String, [UInt8])])
    func other(_ what: String, _ bytes: [UInt8]) async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(self.config(to: server.port)) { (fixture) async throws in
            let port = fixture.port
            let echoed = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(bytes)
                // Before the end: nothing may wait for it.
                let echoed = try client.receive(exactly: bytes.count)
                client.shutdownWrite()
                return try echoed + client.receiveToEnd()
            }
            #expect(echoed == bytes, "\(what)")
            let record = try await fixture.record()
            #expect(record.verdict == .allowed)
            #expect(record.cluster == "w")
            #expect(record.origin == "inbound:1")
            #expect(fixture.handoff.taken.isEmpty)
        }
    }

    @Test("a client that waits for the server to speak hears it once the time for a hello is over")
    func silent() async throws {
        let server = try TestServer { socket in
            try socket.send(Array("220 hello\r\n".utf8))
            _ = try socket.receiveToEnd()
        }
        try await EngineFixture.run(self.config(to: server.port), options: { $0.helloTimeout = .milliseconds(100) }) {
            (fixture) async throws in
            let port = fixture.port
            let greeting = try await onThread {
                let client = try TestSocket.connect(port: port)
                let greeting = try client.receive(exactly: 11)
                client.shutdownWrite()
                return try greeting + client.receiveToEnd()
            }
            #expect(String(decoding: greeting, as: UTF8.self) == "220 hello\r\n")
            #expect(fixture.engine.counters.refused.values.allSatisfy { $0 == 0 })
        }
    }

    @Test("a hello that stops half way reaches the workload once its time is over")
    func slow() async throws {
        let server = try TestServer { socket in try socket.send(socket.receive(exactly: 40)) }
        try await EngineFixture.run(self.config(to: server.port), options: { $0.helloTimeout = .milliseconds(100) }) {
            (fixture) async throws in
            let port = fixture.port
            let hello = Array(Self.hello("web{mesh=default}", alpn: ["kuma"])[..<40])
            let answer = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(hello)
                return try client.receiveToEnd()
            }
            #expect(answer == hello)
        }
    }

    @Test("the end of a silent client, or of one that began a hello, reaches the workload", arguments: [0, 1, 40])
    func end(_ sent: Int) async throws {
        let server = try TestServer { socket in
            let bytes = try socket.receiveToEnd()
            try socket.send(Array("\(bytes.count)".utf8))
        }
        try await EngineFixture.run(self.config(to: server.port)) { (fixture) async throws in
            let port = fixture.port
            let answer = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(Array(Self.hello("web{mesh=default}", alpn: ["kuma"])[..<sent]))
                client.shutdownWrite()
                return try client.receiveToEnd()
            }
            #expect(String(decoding: answer, as: UTF8.self) == "\(sent)")
        }
    }

    @Test("a workload that is not there ends plain connections without a word of TLS")
    func workloadGone() async throws {
        try await EngineFixture.run(self.config(to: 1)) { (fixture) async throws in
            let port = fixture.port
            let answer = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
                return try client.receiveToEnd()
            }
            #expect(answer.isEmpty)
            #expect(try await fixture.record().verdict == .refused(.connectFailed))
        }
    }

    @Test("a listener that becomes strict refuses plaintext from then on, and ends what is plain where routes are cut")
    func becomesStrict() async throws {
        let server = try TestServer.echo()
        let config = self.config(to: server.port)
        try await EngineFixture.run(config) { (fixture) async throws in
            let port = fixture.port
            let open = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send([1])
                #expect(try client.receive(exactly: 1) == [1])
                return client
            }
            let early = try await onThread { try TestSocket.connect(port: port) }
            try await fixture.until { await fixture.engine.connections().contains { $0.state == .readingHello } }
            var strict = self.config(
                to: server.port,
                kind: .sni(routes: [
                    Route(sni: ["*"], action: .terminate(mesh: "default", callers: CallerRules(), cluster: "w"), origin: "Dataplane/web")
                ]))
            strict.removedRoutes = .cut
            _ = await fixture.engine.apply(strict)
            #expect(try await onThread { try open.receiveToEnd() }.isEmpty)
            // It was accepted before the change and is decided after it.
            try await onThread { try early.send(Array("hello".utf8)) }
            #expect(try await fixture.record { $0.verdict == .refused(.notTLS) }.listener == "inbound:1")
        }
    }

    @Test("a client that waits while its listener becomes plain is passed on, whatever it says then")
    func becomesPlain() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(self.config(to: server.port)) { (fixture) async throws in
            let port = fixture.port
            let first = try await onThread { try TestSocket.connect(port: port) }
            let second = try await onThread { try TestSocket.connect(port: port) }
            try await fixture.until { await fixture.engine.connections().count { $0.state == .readingHello } == 2 }
            _ = await fixture.engine.apply(
                self.config(to: server.port, kind: .outbound(service: "web", action: .passthrough(cluster: "w"))))
            for (client, bytes) in [(first, Array("hello".utf8)), (second, Self.hello("web{mesh=default}", alpn: ["kuma"]))] {
                #expect(
                    try await onThread {
                        try client.send(bytes)
                        return try client.receive(exactly: bytes.count)
                    } == bytes)
            }
        }
    }
}
