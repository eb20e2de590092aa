import Routing
import Testing

@testable import StaticConfig

@Suite("Static configuration") struct StaticConfigTests {
    /// The file of the documentation's first example.
    static let example = """
        admin: {address: 127.0.0.1, port: 9901}
        workers: 1                         # default: one per usable core
        trust:
          - {mesh: default, ca: ca.crt}
        identities:
          - {mesh: default, certificate: zone-egress.crt, key: zone-egress.key}
        listeners:
          - name: egress
            address: 127.0.0.1
            port: 10002
            routes:
              - {sni: ["*.example.test", "backend{mesh=default}"], passthrough: {cluster: backend}}
              - {sni: ["ext.partner.test"], terminate: {mesh: default, allow: ["spiffe://default/*"], cluster: ext}}
        clusters:
          - {name: backend, endpoints: [{address: 127.0.0.1, port: 9500, weight: 1}]}
          - {name: ext, endpoints: [{address: 127.0.0.1, port: 9500}]}
          # upstream TLS: tls: {serverName: api.partner.test, ca: partner.crt, certificate: c.crt, key: c.key, verify: full}
        """

    private func read(_ text: String, previous: StaticConfig? = nil, files: [String: String] = [:]) throws -> StaticConfig {
        try StaticConfig.read(text, path: "/etc/egret/egress.yaml", previous: previous) { path in
            files[path].map { .text($0) } ?? .unreadable("does not exist")
        }
    }

    private func problems(_ text: String) -> [String] {
        do {
            _ = try self.read(text)
            return []
        } catch let error as InvalidStaticConfig {
            return error.problems
        } catch {
            return ["\(error)"]
        }
    }

    private static let pems = [
        "/etc/egret/ca.crt": "CA", "/etc/egret/zone-egress.crt": "CERTIFICATE", "/etc/egret/zone-egress.key": "KEY",
    ]

    @Test("the example becomes the table it describes, its files read from its own folder")
    func example() throws {
        let config = try self.read(Self.example, files: Self.pems)
        #expect(config.errors == [])
        #expect(config.settings.adminAddress == "127.0.0.1" && config.settings.adminPort == 9901 && config.settings.workers == 1)
        #expect(config.identities == [StaticIdentity(mesh: "default", certificate: "CERTIFICATE", key: "KEY")])
        #expect(config.files == ["/etc/egret/ca.crt", "/etc/egret/zone-egress.crt", "/etc/egret/zone-egress.key"])
        let rules = CallerRules(allow: ["spiffe://default/*"])
        let expected = ProxyConfig(
            listeners: [
                Listener(
                    name: "egress", address: "127.0.0.1", port: 10002,
                    kind: .sni(routes: [
                        Route(
                            sni: ["*.example.test", "backend{mesh=default}"], action: .passthrough(cluster: "backend"), origin: "egress/0"),
                        Route(
                            sni: ["ext.partner.test"], action: .terminate(mesh: "default", callers: rules, cluster: "ext"),
                            origin: "egress/1"),
                    ]))
            ],
            clusters: [
                Cluster(name: "backend", endpoints: [Endpoint(address: "127.0.0.1", port: 9500)]),
                Cluster(name: "ext", endpoints: [Endpoint(address: "127.0.0.1", port: 9500)]),
            ], trust: [Trust(mesh: "default", ca: "CA")])
        #expect(config.config == expected)
    }

    @Test("every key of the format arrives where it belongs")
    func everything() throws {
        let text = """
            workers: 2
            accessLog: refused
            maxConnections: 1000
            maxHelloBytes: 4096
            connectAttempts: 2
            removedRoutes: cut
            timeouts: {hello: 1s, connect: 2s, idle: 3m, handshake: 4s, linger: 500ms, peer: 5s, keepAlive: 6s}
            listeners:
              - {name: in, address: "::1", port: 1, proxyProtocol: v2, routes: [{name: all, sni: ["*"], passthrough: {cluster: plain}}]}
              - {name: out, address: 127.0.0.1, port: 2, service: web, originate: {mesh: default, cluster: mesh}}
              - {name: raw, address: 127.0.0.1, port: 3, passthrough: {cluster: plain}}
            clusters:
              - name: plain
                endpoints: [{address: a.test, port: 4, weight: 5, priority: 1, locality: east}]
                maxConnections: 10
                proxyProtocol: v2
                resolvedAddresses: {deny: [10.0.0.0/8], allow: [10.1.0.0/16]}
                failoverThreshold: 70
              - {name: mesh, endpoints: [], tls: {mesh: default, sni: web, peer: "spiffe://default/web"}}
              - {name: api, endpoints: [{address: api.test, port: 443}], tls: {}}
              - {name: chain, endpoints: [{address: 127.0.0.1, port: 443}], tls: {serverName: b.test, ca: ca.crt, certificate: ca.crt, key: ca.crt, verify: chain}}
            """
        let config = try self.read(text, files: Self.pems)
        #expect(
            config.errors.map(\.message) == [
                "is used, but trust has no CA of it; its connections are refused",
                "is used, but identities has no certificate in it; its connections are refused",
            ])
        let settings = config.settings
        #expect(settings.accessLog == .refused && settings.maxHelloBytes == 4096 && settings.connectAttempts == 2)
        #expect(
            settings.timeouts
                == .init(
                    hello: .seconds(1), connect: .seconds(2), idle: .seconds(180), handshake: .seconds(4), linger: .milliseconds(500),
                    peer: .seconds(5), keepAlive: .seconds(6)))
        #expect(config.config.maxConnections == 1000 && config.config.removedRoutes == .cut)
        let listeners = config.config.listeners
        #expect(listeners[0].proxyProtocol == .v2)
        #expect(listeners[0].kind == .sni(routes: [Route(sni: ["*"], action: .passthrough(cluster: "plain"), origin: "all")]))
        #expect(listeners[1].kind == .outbound(service: "web", action: .originate(mesh: "default", cluster: "mesh")))
        #expect(listeners[2].kind == .outbound(service: "raw", action: .passthrough(cluster: "plain")))
        let clusters = config.config.clusters
        #expect(clusters[0].endpoints == [Endpoint(address: "a.test", port: 4, weight: 5, priority: 1, locality: "east")])
        #expect(clusters[0].maxConnections == 10 && clusters[0].proxyProtocol == .v2)
        #expect(clusters[0].failoverThreshold == 70)
        #expect(clusters[0].resolvedAddresses == AddressRules(deny: ["10.0.0.0/8"], allow: ["10.1.0.0/16"]))
        #expect(clusters[1].tls == .mesh(mesh: "default", sni: "web", peer: "spiffe://default/web"))
        #expect(clusters[2].tls == .external(ExternalTLS(serverName: "api.test")))
        let pair = ClientCertificate(certificate: "CA", key: "CA")
        #expect(clusters[3].tls == .external(ExternalTLS(serverName: "b.test", ca: "CA", clientCertificate: pair, verify: .chain)))
    }

    @Test("a permissive listener has a cluster for the mesh and one for the rest")
    func permissive() throws {
        let text = """
            trust: [{mesh: default, ca: ca.crt}]
            identities: [{mesh: default, certificate: ca.crt, key: ca.crt}]
            listeners:
              - {name: web, address: 127.0.0.1, port: 1, permissive: {terminate: {mesh: default, allow: [], cluster: w}, passthrough: {cluster: w}}}
            """
        let config = try self.read(text, files: Self.pems)
        #expect(config.errors.isEmpty)
        #expect(
            config.config.listeners.map(\.kind) == [
                .permissive(
                    routes: [Route(sni: ["*"], action: .terminate(mesh: "default", callers: CallerRules(), cluster: "w"), origin: "web")],
                    other: .passthrough(cluster: "w"))
            ])
    }

    @Test(
        "what is wrong with the form refuses the file, and says where and how to mend it",
        arguments: [
            (
                "listeners: [{name: a, address: 127.0.0.1, port: 1, permissive: {passthrough: {cluster: c}}}]",
                "/etc/egret/egress.yaml: listeners[0].permissive.terminate: is missing; a permissive listener needs both: terminate for mesh TLS, passthrough for everything else"
            ),
            ("", "/etc/egret/egress.yaml: should be an object with listeners and clusters, but it is empty"),
            ("[]", "/etc/egret/egress.yaml: should be an object with listeners and clusters, but it holds one of type array"),
            ("listenrs: []", "/etc/egret/egress.yaml: listenrs: is not a known key; did you mean listeners?"),
            ("workers: 0", "/etc/egret/egress.yaml: workers: has to be from 1 to 1024; is 0"),
            ("workers: two", "/etc/egret/egress.yaml: workers: must be an integer, is of type string"),
            ("timeouts: {hello: 5}", "/etc/egret/egress.yaml: timeouts.hello: must be a string, is of type integer"),
            ("timeouts: {hello: 0s}", "/etc/egret/egress.yaml: timeouts.hello: has to be longer than nothing"),
            ("timeouts: {idle: 99999999h}", "/etc/egret/egress.yaml: timeouts.idle: has to be a year at most"),
            (
                "admin: {address: ext.test}", "/etc/egret/egress.yaml: admin.address: has to be an IP address; is \"ext.test\""
            ),
            (
                "listeners: [{name: a, address: localhost, port: 1, routes: []}]",
                "/etc/egret/egress.yaml: listeners[0].address: has to be an IP address; is \"localhost\""
            ),
            (
                "clusters: [{name: a, endpoints: [{address: 'b.test:80', port: 1}]}]",
                "/etc/egret/egress.yaml: clusters[0].endpoints[0].address: has to be an IP address or a host name; the port has a key of its own; is \"b.test:80\""
            ),
            (
                "clusters: [{name: a, endpoints: [{address: 10.0.0.300, port: 1}]}]",
                "/etc/egret/egress.yaml: clusters[0].endpoints[0].address: has to be an IP address or a host name; is \"10.0.0.300\""
            ),
            ("removedRoutes: drop", "/etc/egret/egress.yaml: removedRoutes: has to be one of keep, cut; is \"drop\""),
            (
                "listeners: [{name: a, address: 127.0.0.1, port: 1}]",
                "/etc/egret/egress.yaml: listeners[0]: needs routes or passthrough or originate or permissive, which say where its connections go"
            ),
            (
                "listeners: [{name: a, address: 127.0.0.1, port: 70000, routes: []}]",
                "/etc/egret/egress.yaml: listeners[0].port: has to be from 0 to 65535; is 70000"
            ),
            (
                "listeners: [{name: a, address: 127.0.0.1, port: 1, routes: [{sni: [a], passthru: {cluster: b}}]}]",
                "/etc/egret/egress.yaml: listeners[0].routes[0].passthru: is not a known key; did you mean passthrough?"
            ),
            (
                "listeners: [{name: a, address: 127.0.0.1, port: 1, routes: [{sni: [a], terminate: {mesh: m, cluster: b}}]}]",
                "/etc/egret/egress.yaml: listeners[0].routes[0].terminate.allow: is missing; name the callers, such as [\"spiffe://default/*\"], or [] for nobody"
            ),
            (
                "listeners: [{name: a, address: 127.0.0.1, port: 1, routes: [{sni: [a], terminate: {mesh: m, allow: [web], cluster: b}}]}]",
                "/etc/egret/egress.yaml: listeners[0].routes[0].terminate.allow[0]: has to be a SPIFFE id such as spiffe://default/web, or a tag such as kuma://version/v1, or end in /* as spiffe://default/*; is \"web\""
            ),
            (
                "clusters: [{name: a, endpoints: [{address: b}]}]", "/etc/egret/egress.yaml: clusters[0].endpoints[0].port: is missing"
            ),
            (
                "clusters: [{name: a, endpoints: [], tls: {certificate: c}}]",
                "/etc/egret/egress.yaml: clusters[0].tls.key: is missing; a client certificate needs both"
            ),
        ])
    func form(text: String, problem: String) { #expect(self.problems(text).contains(problem)) }

    @Test("a syntax error names its line and column")
    func syntax() {
        #expect(self.problems("listeners:\n  - name: [\n")[0].hasPrefix("/etc/egret/egress.yaml:3:1: "))
        #expect(self.problems("workers: 1\nworkers: 2\n")[0].hasPrefix("/etc/egret/egress.yaml:2:1: \"workers\" is given twice"))
    }

    @Test("every mistake is named at once")
    func everyMistake() {
        #expect(self.problems("workers: 0\nmaxConnections: 0\nadmin: {prot: 1}\n").count == 3)
    }

    @Test("what may be a key is not repeated, however it was given")
    func givenContent() throws {
        let key = String(repeating: "MIGHAgEAMBMGByqGSM49/", count: 9)
        for value in [key, "\(key)==", "-----END PRIVATE KEY-----\\n\(key)", String(repeating: "k.", count: 3000)] {
            let config = try self.read("identities: [{mesh: default, certificate: zone-egress.crt, key: \"\(value)\"}]", files: Self.pems)
            #expect(config.errors.count == 1 && config.identities.isEmpty)
            #expect(config.errors[0].message.hasPrefix("the key should be PEM text or the path of a file; what is given ("))
            #expect(config.errors.allSatisfy { !$0.message.contains("MIGH") && !$0.message.contains("k.k.") })
            #expect(config.files == ["/etc/egret/zone-egress.crt"])
        }
    }

    @Test("a file that is missing costs its item, which keeps the form it had")
    func missingFile() throws {
        let text = """
            trust: [{mesh: default, ca: ca.crt}]
            identities: [{mesh: default, certificate: zone-egress.crt, key: zone-egress.key}]
            clusters:
              - {name: api, endpoints: [], tls: {serverName: a.test, ca: ca.crt}}
              - {name: plain, endpoints: []}
            """
        let whole = try self.read(text, files: Self.pems)

        let first = try self.read(text)
        #expect(first.errors.map(\.item) == ["trust default", "identity default", "identity default", "cluster api"])
        #expect(first.errors[0].message == "the CA should be in ca.crt, which does not exist")
        #expect(first.config.clusters.map(\.name) == ["plain"] && first.config.trust == [] && first.identities == [])

        let later = try self.read(text, previous: whole)
        #expect(later.errors == first.errors)
        #expect(later.config == whole.config && later.identities == whole.identities)
        #expect(later.files == whole.files)
    }

    @Test("a cluster whose TLS cannot be used keeps the form it had")
    func unusableCluster() throws {
        let old = try self.read("clusters: [{name: api, endpoints: [], tls: {serverName: a.test}}]")
        var new = try self.read("clusters: [{name: api, endpoints: [], tls: {serverName: b.test}}]")
        new.keepUsableClusters(of: old) { $0 == old.config.clusters[0] ? nil : "its CA is no certificate" }
        #expect(new.config.clusters == old.config.clusters)
        #expect(new.errors.map(\.message) == ["its CA is no certificate; it is served as it was before"])
    }

    @Test("PEM may stand in the file itself")
    func inline() throws {
        let config = try self.read("trust: [{mesh: default, ca: \"-----BEGIN CERTIFICATE-----\\n…\"}]")
        #expect(config.config.trust[0].ca.hasPrefix("-----BEGIN"))
        #expect(config.files == [] && config.errors == [])
    }

    @Test("a key never shows in descriptions")
    func secret() {
        let identity = StaticIdentity(mesh: "default", certificate: "C", key: "secret")
        #expect(!"\(identity) \(String(reflecting: identity))".contains("secret"))
    }
}
