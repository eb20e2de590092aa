import ConfigSync
import Foundation
import Hummingbird
import JSONModel
import Logging
import Routing
import Synchronization
import TestKit
import Testing

/// Real `egret-dp` processes against a scripted control plane.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ProxyProcessTests {
    private static func egress(_ control: ScriptedControlPlane, allow: [String], to port: UInt16) -> ProxyConfig {
        ProxyConfig(
            listeners: [
                Listener(
                    name: "egress", address: "127.0.0.1", port: 0,
                    kind: .sni(routes: [
                        Route(
                            sni: ["es{mesh=default}"],
                            action: .terminate(mesh: "default", callers: CallerRules(allow: allow), cluster: "default:es"),
                            origin: "ExternalService/es")
                    ]))
            ],
            clusters: [Cluster(name: "default:es", endpoints: [Endpoint(address: "127.0.0.1", port: port)])],
            trust: [Trust(mesh: "default", ca: control.meshCA)],
            identities: [IdentityRequest(mesh: "default", names: ["spiffe://default/zone-egress"])])
    }

    private static func sidecar(_ control: ScriptedControlPlane, to port: UInt16) -> ProxyConfig {
        ProxyConfig(
            listeners: [
                Listener(
                    name: "outbound", address: "127.0.0.1", port: 0,
                    kind: .outbound(service: "es", action: .originate(mesh: "default", cluster: "default:es")))
            ],
            clusters: [
                Cluster(
                    name: "default:es", endpoints: [Endpoint(address: "127.0.0.1", port: port)],
                    tls: .mesh(mesh: "default", sni: "es{mesh=default}", peer: "spiffe://default/zone-egress"))
            ],
            trust: [Trust(mesh: "default", ca: control.meshCA)],
            identities: [IdentityRequest(mesh: "default", names: ["spiffe://default/web"])])
    }

    /// Runs `body` with the port of a server that answers every GET with `hello`.
    private func withServer(_ body: @escaping @Sendable (UInt16) async throws -> Void) async throws {
        let router = Router()
        router.get("/") { _, _ in "hello" }
        let (ports, announce) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "server")
        logger.logLevel = .critical
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announce.yield($0.localAddress!.port!) }, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await application.run() }
            for await port in ports {
                try await body(UInt16(port))
                break
            }
            group.cancelAll()
        }
    }

    private func curl(_ port: UInt16) async throws -> CommandResult {
        try await Command.run("curl", ["-sS", "--max-time", "10", "http://127.0.0.1:\(port)/"])
    }

    @Test("a sidecar's plaintext leaves through the egress once it is allowed, and goes on while the control plane is away")
    func wholePath() async throws {
        let control = try ScriptedControlPlane()
        let folder = try TestFolder(ca: control.ca, token: "good")
        try await self.withServer { server in
            let (gone, leave) = AsyncStream<Void>.makeStream()
            let (here, arrive) = AsyncStream<Int>.makeStream()
            let (away, left) = AsyncStream<Void>.makeStream()
            control.show(Self.egress(control, allow: [], to: server), to: .egress)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await control.serve { port in
                        arrive.yield(port)
                        for await _ in gone { break }
                    }
                    left.yield()
                }
                let port = try #require(await here.first { _ in true })
                try await ProxyProcess.with("egress", controlPlane: port, in: folder) { egress in
                    try await egress.waitUntilReady()
                    let egressPort = try await egress.port(of: "egress")
                    control.show(Self.sidecar(control, to: egressPort), to: .dataplane)
                    try await ProxyProcess.with("dataplane", controlPlane: port, in: folder) { sidecar in
                        try await sidecar.waitUntilReady()
                        let outbound = try await sidecar.port(of: "outbound")
                        try await eventually("acknowledged without errors") {
                            control.acknowledgement(of: .egress)?.errors == [] ? true : nil
                        }

                        // Nobody allowed it.
                        #expect(try await self.curl(outbound).status != 0)
                        let refused = try await egress.process.line(containing: "reason=not_permitted")
                        for fact in ["sni=es{mesh=default}", "caller=spiffe://default/web", "route=ExternalService/es", "verdict=refused"] {
                            #expect(refused.contains(fact))
                        }
                        #expect(try await egress.metric("egret_connections_total{verdict=\"refused\",reason=\"not_permitted\"}") == 1)

                        // Now somebody does.
                        control.show(Self.egress(control, allow: ["spiffe://default/web"], to: server), to: .egress)
                        try await eventually("the permission arrives") { try await self.curl(outbound).output == "hello" ? true : nil }
                        let allowed = try await egress.process.line(containing: "verdict=allowed")
                        #expect(allowed.contains("cluster=default:es") && allowed.contains("endpoint=127.0.0.1:\(server)"))
                        let series = "egret_cluster_connections_total{cluster=\"default:es\",verdict=\"allowed\",reason=\"\"}"
                        #expect(try await egress.metric(series) >= 1)
                        #expect(try await egress.metric("egret_certificate_expiry_seconds{mesh=\"default\"}") > 3500)
                        #expect(try await egress.get("/config").text.contains("zone-egress"))
                        #expect(try await egress.get("/clusters?x=y").text.contains("default:es"))
                        #expect(try await egress.get("/connections").status == 200)
                        #expect(try await egress.get("/live").text == "LIVE\n")
                        #expect(try await egress.get("/elsewhere").status == 404)

                        // The control plane leaves: nothing changes. It comes back: nothing is sent twice.
                        let sent = control.state.withLock { $0.sent }
                        leave.yield()
                        _ = await away.first { _ in true }
                        try await egress.process.line(containing: "meanwhile=\"serving goes on with the last configuration\"")
                        #expect(try await self.curl(outbound).output == "hello")
                        #expect(try await egress.get("/ready").status == 200)
                        let hash = control.state.withLock { $0.configs[.egress]!.hash }
                        try await control.serve(port: port) { _ in
                            try await eventually("the egress resumes with its hash") {
                                control.state.withLock { $0.have.contains(hash) } ? true : nil
                            }
                            #expect(control.state.withLock { $0.sent } == sent)

                            // One item makes no sense here: it is named, and the rest serves.
                            control.show(
                                Self.egress(control, allow: ["spiffe://default/*"], to: server), to: .egress,
                                odd: [#"{"cluster":{"name":"default:odd","endpoints":"?"}}"#])
                            try await eventually("the odd item is acknowledged with an error") {
                                control.acknowledgement(of: .egress)?.errors.first?.item == "cluster default:odd" ? true : nil
                            }
                            #expect(try await self.curl(outbound).output == "hello")

                            // A drain: not ready, yet serving what comes late, then gone.
                            egress.process.send(SIGTERM)
                            try await eventually("/ready is 503") { try await egress.get("/ready").status == 503 ? true : nil }
                            try await egress.process.line(containing: "Stopped")
                            #expect(try await self.curl(outbound).status != 0)
                            try await sidecar.process.line(containing: "reason=connect_failed")
                        }
                    }
                }
                group.cancelAll()
            }
        }
    }

    @Test("changes come as differences; one that makes no sense is refused, and the whole configuration is asked for and served")
    func differences() async throws {
        let control = try ScriptedControlPlane()
        let folder = try TestFolder(ca: control.ca, token: "good")
        @Sendable func config(_ port: UInt16) -> ProxyConfig {
            ProxyConfig(
                listeners: [Listener(name: "egress", address: "127.0.0.1", port: 0, kind: .sni(routes: []))],
                clusters: (1...9).map { Cluster(name: "c\($0)", endpoints: [Endpoint(address: "192.0.2.1", port: $0 == 9 ? port : 1)]) })
        }
        control.show(config(1), to: .egress)
        try await control.serve { port in
            try await ProxyProcess.with("egress", controlPlane: port, in: folder) { egress in
                try await egress.waitUntilReady()
                control.show(config(2), to: .egress)
                try await eventually("the difference is acknowledged") { control.acknowledgement(of: .egress)?.errors == [] ? true : nil }
                #expect(control.state.withLock { $0.differences } == 1)
                #expect(control.state.withLock { $0.sent } == 2)
                #expect(try await egress.get("/config").text.contains("192.0.2.1"))

                control.state.withLock { $0.sendsNonsense = true }
                control.show(config(3), to: .egress)
                let line = try await egress.process.line(containing: "asking for the whole configuration")
                #expect(line.contains("the control plane sent a difference from 00, which is not what this proxy has"))
                try await eventually("the whole one is acknowledged") { control.acknowledgement(of: .egress)?.errors == [] ? true : nil }
                #expect(control.state.withLock { $0.have } == [nil, nil])
                #expect(control.state.withLock { $0.differences } == 2)
                #expect(try await egress.metric("egret_config_generation") == 3)
            }
        }
    }

    @Test("a token that is not accepted is said in one line, and a new one in the file is used at once")
    func badToken() async throws {
        let control = try ScriptedControlPlane()
        let folder = try TestFolder(ca: control.ca, token: "bad")
        control.show(ProxyConfig(), to: .egress)
        try await control.serve { port in
            try await ProxyProcess.with("egress", controlPlane: port, in: folder) { egress in
                let line = try await egress.process.line(containing: "The control plane refuses this proxy")
                #expect(line.contains("the control plane does not accept this proxy's token: The token has expired."))
                #expect(line.contains("WARN"))
                #expect(try await egress.get("/ready").status == 503)
                try folder.write("token", "good\n")
                try await egress.waitUntilReady()
                #expect(!egress.process.log.contains("bad"))
            }
        }
    }

    @Test("an identity that is not signed is acknowledged as missing; the rest serves, and the certificate is fetched when it can be")
    func noIdentity() async throws {
        let control = try ScriptedControlPlane()
        let folder = try TestFolder(ca: control.ca, token: "good")
        control.state.withLock { $0.signsCertificates = false }
        control.show(Self.egress(control, allow: [], to: 1), to: .egress)
        try await control.serve { port in
            try await ProxyProcess.with("egress", controlPlane: port, in: folder) { egress in
                try await egress.waitUntilReady()
                try await eventually("the missing identity is acknowledged") {
                    control.acknowledgement(of: .egress)?.errors.first { $0.item == "identity default" }
                }
                control.state.withLock { $0.signsCertificates = true }
                try await eventually("the error is taken back") { control.acknowledgement(of: .egress)?.errors == [] ? true : nil }
            }
        }
    }

    @Test("certificates are renewed in time, without being asked")
    func renewal() async throws {
        let control = try ScriptedControlPlane()
        let folder = try TestFolder(ca: control.ca, token: "good")
        control.state.withLock { $0.leafLife = .seconds(3) }
        control.show(Self.egress(control, allow: [], to: 1), to: .egress)
        try await control.serve { port in
            try await ProxyProcess.with("egress", controlPlane: port, in: folder) { egress in
                try await eventually("three certificates are signed") { control.state.withLock { $0.signed >= 3 } ? true : nil }
                try await egress.process.line(containing: "Certificate renewed")
            }
        }
    }

    @Test("a certificate of other tags is asked for when they change, and the one before serves until it is there")
    func otherTags() async throws {
        let control = try ScriptedControlPlane()
        let folder = try TestFolder(ca: control.ca, token: "good")
        let tag = "kuma://version/v2"
        control.show(Self.egress(control, allow: [], to: 1), to: .egress)
        try await control.serve { port in
            try await ProxyProcess.with("egress", controlPlane: port, in: folder) { egress in
                try await egress.waitUntilReady()
                func names() async throws -> [JSON] {
                    try JSON(parsing: try await egress.get("/certs").text)["identities"]?[0]?["chain"]?[0]?["names"]?.array ?? []
                }
                #expect(try await names() == ["spiffe://default/zone-egress"])
                control.state.withLock { $0.tagNames = [tag] }
                var config = Self.egress(control, allow: [], to: 1)
                config.identities[0].names.append(tag)
                control.show(config, to: .egress)
                // Nothing is missing meanwhile.
                try await eventually("the new tags are acknowledged") { control.acknowledgement(of: .egress)?.errors == [] ? true : nil }
                try await eventually("the certificate names the tag") { try await names().contains(.string(tag)) ? true : nil }
            }
        }
    }

    @Test("a second signal ends a drain at once")
    func secondSignal() async throws {
        let control = try ScriptedControlPlane()
        let folder = try TestFolder(ca: control.ca, token: "good")
        control.show(ProxyConfig(), to: .egress)
        try await control.serve { port in
            try await ProxyProcess.with("egress", controlPlane: port, in: folder, arguments: ["--drain-grace", "10m"]) { egress in
                try await egress.waitUntilReady()
                egress.process.send(SIGTERM)
                try await egress.process.line(containing: "Terminating")
                #expect(try await egress.get("/ready").text == "TERMINATING\n")
                egress.process.send(SIGTERM)
                try await egress.process.line(containing: "Stopping at once")
                try await egress.process.line(containing: "Stopped")
            }
        }
    }

    @Test("an admin port that is taken is said in one sentence, and the proxy does not start")
    func takenPort() async throws {
        let control = try ScriptedControlPlane()
        let folder = try TestFolder(ca: control.ca, token: "good")
        try await control.serve { port in
            try await ProxyProcess.with("egress", controlPlane: port, in: folder) { egress in
                let taken = egress.admin.split(separator: ":").last!
                let result = try await Command.run(
                    Repository.program("egret-dp"),
                    [
                        "run", "--name", "x", "--dataplane-token", "t", "--admin-port", "\(taken)", "--cp-address",
                        "https://127.0.0.1:\(port)",
                    ])
                #expect(result.status == 1)
                #expect(result.errors.contains("the admin server cannot listen on 127.0.0.1 port \(taken)"))
                #expect(result.errors.contains("choose another --admin-port"))
            }
        }
    }

    @Test(
        "bad flags and files end in one sentence and a failure",
        arguments: [
            (["--proxy-type", "gateway"], "the proxy type \"gateway\" is not one of egress, ingress, dataplane"),
            (["--cp-address", "cp:5678"], "the control plane's address \"cp:5678\" is no URL like https://"),
            (["--drain-time", "soon"], "--drain-time is \"soon\", which is no time like 30s, 500ms or 2m"),
            (["--concurrency", "0"], "--concurrency is \"0\"; use a number from 1 to 1024"),
            (["--dataplane-token-file", "/no/such/token"], "this proxy's token should be in /no/such/token, but there is no such file"),
            (["--ca-cert-file", "/no/such/ca"], "the control plane's CA certificate should be in /no/such/ca, but there is no such file"),
            (["--dataplane-token", "x", "--dataplane-token-file", "y"], "exclude each other; give one"),
            (["--log-level", "loud"], "the log level \"loud\" is not one of trace, debug"),
        ] as [([String], String)])
    func badFlags(_ arguments: [String], _ sentence: String) async throws {
        let hasToken = arguments.contains("--dataplane-token") || arguments.contains("--dataplane-token-file")
        let result = try await Command.run(
            Repository.program("egret-dp"), ["run", "--name", "x"] + arguments + (hasToken ? [] : ["--dataplane-token", "t"]))
        #expect(result.status != 0)
        #expect(result.errors.contains(sentence), "\(result)")
    }
}
