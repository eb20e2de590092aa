import Foundation
import Synchronization
import TestKit
import Testing

/// Applications that reach each other through the proxies beside them: app → dataplane → dataplane → app.
@Suite(.serialized, .timeLimit(.minutes(2))) struct WorkloadTests {
    enum Mode: String, CaseIterable { case strict, permissive }

    /// The workload `api` behind its proxy, and `web` with an outbound to it.
    struct Pair: Sendable {
        let pki: StaticProxy
        let api: WatchedProxy
        /// Where the proxy of `api` takes what comes for it.
        let inbound: UInt16
        /// Where `web` calls it.
        let outbound: UInt16

        static func with<Value: Sendable>(
            _ mode: Mode, to workload: UInt16, allow: String = "spiffe://default/*",
            _ body: @escaping @Sendable (Pair) async throws -> Value
        ) async throws -> Value {
            let pki = try StaticProxy()
            for name in ["api", "web"] { try pki.writeIdentity(name) }
            let terminate = #"terminate: {mesh: default, allow: ["\#(allow)"], cluster: workload}"#
            let kind =
                switch mode {
                case .strict: #"routes: [{sni: ["*"], \#(terminate)}]"#
                case .permissive: "permissive: {\(terminate), passthrough: {cluster: workload}}"
                }
            let api = """
                admin: {address: 127.0.0.1, port: 0}
                workers: 2
                timeouts: {hello: 300ms}
                trust: [{mesh: default, ca: ca.crt}]
                identities: [{mesh: default, certificate: api.crt, key: api.key}]
                listeners: [{name: inbound, address: 127.0.0.1, port: 0, \(kind)}]
                clusters: [{name: workload, endpoints: [{address: 127.0.0.1, port: \(workload)}]}]
                """
            return try await WatchedProxy.with(api, folder: pki.folder, name: "api") { api in
                let inbound = try await api.port(of: "inbound")
                let web = """
                    admin: {address: 127.0.0.1, port: 0}
                    workers: 2
                    trust: [{mesh: default, ca: ca.crt}]
                    identities: [{mesh: default, certificate: web.crt, key: web.key}]
                    listeners: [{name: outbound, address: 127.0.0.1, port: 0, originate: {mesh: default, cluster: api}}]
                    clusters:
                      - name: api
                        endpoints: [{address: 127.0.0.1, port: \(inbound)}]
                        tls: {mesh: default, sni: "api{mesh=default}", peer: "spiffe://default/api"}
                    """
                return try await WatchedProxy.with(web, folder: pki.folder, name: "web") { web in
                    try await body(Pair(pki: pki, api: api, inbound: inbound, outbound: try await web.port(of: "outbound")))
                }
            }
        }

        /// What `openssl` makes of a handshake with the inbound.
        func hello(certificate: String? = nil, alpn: String = "kuma") async throws -> CommandResult {
            let own = certificate.map { ["-cert", self.pki.folder.path("\($0).crt"), "-key", self.pki.folder.path("\($0).key")] } ?? []
            return try await Command.run(
                "openssl",
                [
                    "s_client", "-connect", "127.0.0.1:\(self.inbound)", "-servername", "api{mesh=default}", "-alpn", alpn, "-quiet",
                    "-CAfile", self.pki.folder.path("ca.crt"),
                ] + own, input: "ping\n")
        }
    }

    private static func web() throws -> SocketServer {
        try SocketServer { socket in
            var request: [UInt8] = []
            while !request.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                let part = try socket.receive()
                if part.isEmpty { return }
                request += part
            }
            try socket.send(Array("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n".utf8))
            _ = try socket.receiveToEnd()
        }
    }

    @Test("a request in HTTP arrives, and its answer", arguments: Mode.allCases)
    func http(mode: Mode) async throws {
        let server = try Self.web()
        try await Pair.with(mode, to: server.port) { pair in
            #expect(try await Command.output("curl", ["-s", "--max-time", "10", "http://127.0.0.1:\(pair.outbound)/"]) == "hello\n")
            let line = try await pair.api.process.line(containing: "caller=spiffe://default/web")
            #expect(line.contains("verdict=allowed"))
        }
    }

    @Test("either side may end its half first, and hears the rest of the other", arguments: Mode.allCases)
    func halves(mode: Mode) async throws {
        let size = 3_000_000
        let heard = Mutex(0)
        let server = try SocketServer { socket in
            // The first byte says who ends first.
            if try socket.receive(exactly: 1) == [1] {
                let bytes = try socket.receiveToEnd()
                try socket.send(bytes)
            } else {
                try socket.send(Array(repeating: 7, count: size))
                socket.shutdownWrite()
                let bytes = try socket.receiveToEnd()
                heard.withLock { $0 = bytes.count }
            }
        }
        try await Pair.with(mode, to: server.port) { pair in
            let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let echoed = try await onThread {
                let client = try TestSocket.connect(port: pair.outbound)
                try client.send([1] + body)
                client.shutdownWrite()
                return try client.receiveToEnd()
            }
            #expect(echoed == body)
            let answer = try await onThread {
                let client = try TestSocket.connect(port: pair.outbound)
                try client.send([2])
                let answer = try client.receiveToEnd()
                try client.send(body)
                client.shutdownWrite()
                return answer
            }
            #expect(answer.count == size && answer.allSatisfy { $0 == 7 })
            try await eventually("all of it arrives") { heard.withLock { $0 } == size ? true : nil }
        }
    }

    @Test("a server that speaks first is heard before the application says anything", arguments: Mode.allCases)
    func serverFirst(mode: Mode) async throws {
        let server = try SocketServer { socket in
            try socket.send(Array("220 hello\r\n".utf8))
            _ = try socket.receiveToEnd()
        }
        try await Pair.with(mode, to: server.port) { pair in
            let ports = mode == .permissive ? [pair.outbound, pair.inbound] : [pair.outbound]
            for port in ports {
                let greeting = try await onThread { try TestSocket.connect(port: port).receive(exactly: 11) }
                #expect(String(decoding: greeting, as: UTF8.self) == "220 hello\r\n")
            }
        }
    }

    @Test("mesh TLS is for callers of the mesh, known and permitted, whatever the mode", arguments: Mode.allCases)
    func refused(mode: Mode) async throws {
        let server = try SocketServer { socket in try socket.send(try socket.receive(exactly: 5)) }
        try await Pair.with(mode, to: server.port, allow: "spiffe://default/web") { pair in
            let stranger = try StaticProxy()
            try stranger.writeIdentity("web")
            for file in ["web.crt", "web.key"] {
                try pair.pki.folder.write(
                    "stranger\(file.dropFirst(3))", String(contentsOfFile: stranger.folder.path(file), encoding: .utf8))
            }
            try pair.pki.writeIdentity("other")
            for (certificate, reason) in [
                (nil, "no_client_certificate"), ("stranger", "untrusted_client"), ("other", "not_permitted"),
            ] as [(String?, String)] {
                let result = try await pair.hello(certificate: certificate)
                #expect(!result.output.contains("ping"), "\(reason)")
                try await eventually("refused: \(reason)") { try await pair.api.refused(reason) == 1 ? true : nil }
            }
            #expect(server.connections == 0)
            #expect(try await pair.hello(certificate: "web").output.contains("ping"))
            #expect(server.connections == 1)
        }
    }

    @Test("what is not of the mesh is refused where it is strict, and for the workload where it is permissive", arguments: Mode.allCases)
    func others(mode: Mode) async throws {
        let server = try Self.web()
        try await Pair.with(mode, to: server.port) { pair in
            let plain = try await Command.run("curl", ["-s", "--max-time", "10", "http://127.0.0.1:\(pair.inbound)/"])
            switch mode {
            case .strict:
                #expect(plain.output == "This port speaks TLS.\r\n")
                #expect(try await pair.api.refused("plaintext_http") == 1)
                _ = try await onThread {
                    let client = try TestSocket.connect(port: pair.inbound)
                    try client.send(Array("EHLO\r\n".utf8))
                    _ = try client.receiveToEnd()
                }
                #expect(try await pair.api.refused("not_tls") == 1)
                _ = try await pair.hello(alpn: "h2")
                try await eventually("refused") { try await pair.api.refused("no_client_certificate") == 1 ? true : nil }
                #expect(server.connections == 0)
            case .permissive:
                #expect(plain.output == "hello\n")
                // Somebody else's TLS is the workload's to answer, and this one speaks none.
                _ = try await pair.hello(alpn: "h2")
                try await eventually("it reached the workload") { server.connections == 2 ? true : nil }
                #expect(try await pair.api.refused("no_client_certificate") == 0)
            }
        }
    }
}
