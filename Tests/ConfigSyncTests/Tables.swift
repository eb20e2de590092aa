import ConfigSync
import Routing

/// Configurations for tests: one small, and any number by chance.
enum Tables {
    static let small = ProxyConfig(
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
        trust: [Trust(mesh: "default", ca: "PEM")], identities: [IdentityRequest(mesh: "default", names: ["spiffe://default/zone-egress"])]
    )

    /// Few different names, so that two of them have much in common, items that are there twice, and every part may be missing.
    static func random(_ generator: inout some RandomNumberGenerator) -> ProxyConfig {
        func some<Item>(_ limit: Int, _ make: (Int) -> Item) -> [Item] {
            (0..<Int.random(in: 0...limit, using: &generator)).map { _ in make(Int.random(in: 0..<limit * 2, using: &generator)) }
        }
        func port() -> UInt16 { UInt16.random(in: 1...2, using: &generator) }
        return ProxyConfig(
            listeners: some(3) { number in
                Listener(
                    name: "l\(number)", address: "127.0.0.1", port: port(),
                    kind: Bool.random(using: &generator)
                        ? .sni(routes: some(8) { Route(sni: ["r\($0)"], action: .passthrough(cluster: "c\($0)"), origin: "o") })
                        : .outbound(service: "s", action: .originate(mesh: "default", cluster: "c")))
            },
            clusters: some(12) { Cluster(name: "c\($0)", endpoints: [Endpoint(address: "127.0.0.1", port: port())]) },
            trust: some(2) { Trust(mesh: "m\($0)", ca: "\(port())") },
            identities: some(2) { IdentityRequest(mesh: "m\($0)", names: ["spiffe://m\($0)/zone-egress"]) },
            maxConnections: Bool.random(using: &generator) ? Int(port()) : nil,
            removedRoutes: Bool.random(using: &generator) ? .cut : nil)
    }
}
