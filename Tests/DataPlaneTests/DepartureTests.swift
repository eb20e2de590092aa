import ConfigSync
import Routing
import TestKit
import Testing

/// A real egress whose control plane takes routes from its table.
@Suite(.timeLimit(.minutes(2))) struct DepartureTests {
    /// - Parameter number: tells one from another of the same content.
    private static func shown(_ config: ProxyConfig, _ number: Int, in world: TwoRoutes) async throws {
        var config = config
        config.maxConnections = 1000 + number
        world.control.show(config, to: .egress)
        try await eventually("the egress serves it") { world.control.acknowledgement(of: .egress).map(\.errors) == [] ? true : nil }
    }

    @Test("routes that are gone are served a few seconds more, for callers that have not heard of it; cutting ones end at once")
    func departures() async throws {
        try await TwoRoutes.with { world in
            try await world.control.serve { port in
                try await ProxyProcess.with("egress", controlPlane: port, in: world.folder) { egress in
                    try await egress.waitUntilReady()
                    let listener = try await egress.port(of: "egress")
                    @Sendable func answers() async -> [Bool] {
                        [await world.fetch("ext.test", from: listener) != nil, await world.fetch("pt.test", from: listener) != nil]
                    }
                    #expect(await answers() == [true, true])
                    let full = world.config
                    var empty = ProxyConfig(listeners: full.listeners)
                    empty.listeners[0].kind = .sni(routes: [])

                    try await Self.shown(empty, 1, in: world)
                    #expect(await answers() == [true, true])
                    try await eventually("they are gone", timeout: .seconds(30)) { await answers() == [false, false] ? true : nil }
                    try await egress.process.line(containing: "reason=no_route")
                    // Nothing of them is left.
                    #expect(try await !egress.get("/certs").text.contains("spiffe://default/zone-egress"))

                    // What comes back within that time is as it was, and stays.
                    try await Self.shown(full, 2, in: world)
                    try await Self.shown(empty, 3, in: world)
                    try await Self.shown(full, 4, in: world)
                    #expect(await answers() == [true, true])

                    empty.removedRoutes = .cut
                    try await Self.shown(empty, 5, in: world)
                    #expect(await answers() == [false, false])
                }
            }
        }
    }
}
