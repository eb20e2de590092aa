import ConfigSync
import FoundationEssentials
import JSONModel
import Routing
import Testing

@Suite struct MessageTests {
    private let config = ProxyConfig(
        listeners: [
            Listener(
                name: "egress", address: "127.0.0.9", port: 10002,
                kind: .sni(routes: [
                    Route(
                        sni: ["httpbin{mesh=default}"],
                        action: .terminate(
                            mesh: "default", callers: CallerRules(allow: ["spiffe://default/*"]), cluster: "default:httpbin"),
                        origin: "ExternalService/httpbin"),
                    Route(sni: ["b{mesh=default}"], action: .passthrough(cluster: "default:b"), origin: "ZoneIngress/east"),
                ]))
        ],
        clusters: [Cluster(name: "default:httpbin", endpoints: [Endpoint(address: "example.org", port: 443)])],
        trust: [Trust(mesh: "default", ca: "PEM")], identities: [IdentityRequest(mesh: "default", spiffeID: "spiffe://default/zone-egress")]
    )

    @Test("messages have the form the stream promises")
    func form() throws {
        #expect(String(decoding: StreamMessage.ping.line, as: UTF8.self) == "{\"ping\":{}}\n")
        let message = StreamMessage.snapshot(Snapshot(hash: "ab", config: ["listeners": []]))
        #expect(String(decoding: message.line, as: UTF8.self) == "{\"snapshot\":{\"config\":{\"listeners\":[]},\"hash\":\"ab\"}}\n")
        #expect(try StreamMessage(line: message.line) == message)
        #expect(try StreamMessage(line: Data("{\"ping\":{}}".utf8)) == .ping)
    }

    @Test(
        "a line that is no message is an error that says so",
        arguments: ["", "x", "{}", "[]", "{\"snapshot\":{}}", "{\"snapshot\":{\"hash\":1}}"])
    func nonsense(_ line: String) {
        #expect(throws: InvalidMessage.self) { try StreamMessage(line: Data(line.utf8)) }
    }

    @Test("the request's query is percent-encoded")
    func target() {
        let request = StreamRequest(proxyType: .dataplane, name: "web-1.demo", mesh: "a&b=c", have: "00ff")
        #expect(request.target == "/v1/config?proxyType=dataplane&name=web-1.demo&mesh=a%26b%3Dc&have=00ff")
    }

    @Test("a config crosses the stream unchanged")
    func roundTrip() throws {
        let reading = ConfigReading(try JSON(encoding: self.config))
        #expect(reading.config == self.config)
        #expect(reading.errors.isEmpty)
    }

    @Test("an item this proxy cannot read costs only itself and is named")
    func tolerant() throws {
        var json = try JSON(encoding: self.config)
        var routes = try #require(json["listeners"]?[0]?.at("kind", "sni", "routes")?.array)
        routes[0].set(["action"], to: ["teleport": ["cluster": "x"]])
        var listener = try #require(json["listeners"]?[0])
        listener.set(["kind", "sni", "routes"], to: .array(routes))
        json["listeners"] = [listener, ["name": "odd", "address": "127.0.0.1", "port": 70000, "kind": ["sni": ["routes": []]]]]
        json["clusters"] = .array(try #require(json["clusters"]?.array) + [["name": "default:x", "endpoints": "none"]])
        json["trust"] = "all"
        let reading = ConfigReading(json)
        var expected = self.config
        expected.trust = []
        guard case .sni(let all) = expected.listeners[0].kind else { return }
        expected.listeners[0].kind = .sni(routes: [all[1]])
        #expect(reading.config == expected)
        #expect(reading.errors.map(\.item) == ["route ExternalService/httpbin", "listener odd", "cluster default:x", "trust"])
        #expect(reading.errors.allSatisfy { !$0.message.isEmpty })
    }
}
