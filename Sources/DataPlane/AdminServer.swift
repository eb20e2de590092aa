import Hummingbird
import JSONModel
import Logging
import NIOCore
import Relay
import Telemetry

/// Plain HTTP for probes, scrapes and people: `/ready`, `/live`, `/metrics`; on loopback also `/config`, `/connections` and
/// `/clusters`, which say more than everybody on the network needs to know.
struct AdminServer: Sendable {
    let host: String
    let port: Int
    let showsInside: Bool
    let readiness: Readiness
    let registry: MetricsRegistry
    let applier: ConfigApplier
    let engine: RelayEngine
    let logger: Logger

    /// Loopback shows everything. In a network of 127/8 addresses the own one is loopback already and serves alone.
    static func hosts(ownAddress: String?) -> [(host: String, showsInside: Bool)] {
        guard let own = ownAddress else { return [("127.0.0.1", true)] }
        if own == "::1" || own.hasPrefix("127.") { return [(own, true)] }
        return [("127.0.0.1", true), (own, false)]
    }

    /// Until cancelled.
    func run() async throws {
        let (readiness, registry, applier, engine) = (self.readiness, self.registry, self.applier, self.engine)
        let router = Router()
        router.get("/ready") { _, _ in
            let state = readiness.state
            return Self.text("\(state.rawValue)\n", status: state == .ready ? .ok : .serviceUnavailable)
        }
        router.get("/live") { _, _ in Self.text("LIVE\n") }
        router.get("/metrics") { _, _ in Self.text(registry.render(), type: "text/plain; version=0.0.4; charset=utf-8") }
        if self.showsInside {
            router.get("/config") { _, _ in Self.json(AdminPages.config(applier.applied, errors: applier.errors)) }
            router.get("/connections") { _, _ in Self.json(AdminPages.connections(await engine.connections())) }
            router.get("/clusters") { _, _ in Self.json(AdminPages.clusters(await engine.clusters())) }
        }
        // The server calls it an error that we end it while it waits.
        var quiet = self.logger
        quiet.logLevel = .critical
        let application = Application(
            router: router, configuration: .init(address: .hostname(self.host, port: self.port)),
            onServerRunning: { channel in
                self.logger.info("Admin server listening", metadata: ["admin.address": "\(self.host):\(channel.localAddress?.port ?? 0)"])
            }, logger: quiet)
        do {
            try await application.run()
        } catch let error as IOError {
            throw CannotListen(
                description: "the admin server cannot listen on \(self.host) port \(self.port) (\(error)); choose another --admin-port")
        }
    }

    private static func json(_ json: JSON) -> Response { self.text(json.prettyText + "\n", type: "application/json") }

    private static func text(
        _ text: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}

package struct CannotListen: Error, CustomStringConvertible {
    package let description: String
}
