import ConfigSync
import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSONModel
import Logging
import NIOCore
import Telemetry
import ZoneSync

/// What the server for zones answers. Thin: decisions are `ZoneAdmission`'s, `StreamHub`'s and `ZoneReports`'.
struct ZoneHandlers: Sendable {
    let admission: ZoneAdmission
    let book: ZoneBook
    let hub: StreamHub<String>
    let questions: Questions<String>
    let reports: ZoneReports
    let metrics: GlobalMetrics
    let logger: Logger

    /// A report of 100,000 dataplanes, or a page of one of their proxies.
    private static let maxBodyBytes = 64 << 20

    func stream(_ request: Request, on channel: any Channel) async -> Response {
        do {
            let query = request.uri.queryParameters
            let token = try request.bearerToken
            let zone = try self.zone(request, token)
            let have = query.get("have")
            var headers: HTTPFields = [.contentType: StreamMessage.contentType, .cacheControl: "no-store"]
            if let told = self.book.told(zone), let name = HTTPField.Name(ZoneExchange.toldHeader) { headers[name] = told.text.hash }
            return Response(
                status: .ok, headers: headers,
                body: ResponseBody { writer in
                    try await self.write(to: &writer, on: channel, zone: zone, have: have, token: token, request: request)
                })
        } catch {
            return self.refuse(error, request)
        }
    }

    private func write(
        to writer: inout any ResponseBodyWriter, on channel: any Channel, zone: String, have: String?, token: String, request: Request
    ) async throws {
        let instance = String((request.uri.queryParameters.get("instance") ?? "").prefix(253))
        let name = self.book.opened(zone, instance: instance, version: request.programVersion, now: Date())
        let stream = self.hub.open(zone, have: have, name: name)
        self.metrics.stream(zone, 1)
        self.logger.info("A zone connected", metadata: ["mesh.zone": "\(zone)", "instance": "\(instance)"])
        defer {
            self.hub.close(stream)
            self.book.closed(zone, stream: name, now: Date())
            self.metrics.stream(zone, -1)
            self.logger.info("A zone disconnected", metadata: ["mesh.zone": "\(zone)", "instance": "\(instance)"])
        }
        let admission = self.admission
        let logger = self.logger
        try await stream.write(to: &writer, on: channel, request: request) {
            // A token that has expired or was revoked meanwhile ends the stream.
            do {
                _ = try admission.zone(token: token, claiming: zone, now: Date())
                return true
            } catch {
                logger.warning("Ended the stream of a zone", metadata: ["mesh.zone": "\(zone)", "reason": "\(error)"])
                return false
            }
        } sent: { config in
            self.metrics.sent(config, to: zone)
            self.book.sent(zone, stream: name, hash: config.hash, now: Date())
            self.logger.debug(
                "Sent a zone what all share",
                metadata: [
                    "mesh.zone": "\(zone)", "config.hash": "\(config.hash.prefix(12))", "config.form": "\(config.form.rawValue)",
                    "config.bytes": "\(config.byteCount)",
                ])
        }
    }

    func report(_ request: Request) async -> Response {
        do {
            let zone = try self.zone(request, request.bearerToken)
            let body = try await request.bytes(upTo: Self.maxBodyBytes)
            try await self.reports.take(
                Array(body.readableBytesView), base: request.uri.queryParameters.get("base"), from: zone, now: Date())
            return Response(status: .noContent)
        } catch {
            return self.refuse(error, request)
        }
    }

    func answer(_ request: Request) async -> Response {
        do {
            let zone = try self.zone(request, request.bearerToken)
            let answer: ZoneAnswer = try await request.decoded(upTo: Self.maxBodyBytes)
            guard self.questions.answered(answer.id, by: zone, answer.text) else {
                throw AccessRefusal(.badRequest, "nobody waits for this answer")
            }
            return Response(status: .noContent)
        } catch {
            return self.refuse(error, request)
        }
    }

    /// Proxies that were pointed here.
    func proxy(_ request: Request) -> Response { self.refuse(NoProxies.refusal, request) }

    private func zone(_ request: Request, _ token: String) throws(AccessRefusal) -> String {
        guard let claimed = request.uri.queryParameters.get("zone"), !claimed.isEmpty else {
            throw AccessRefusal(.badRequest, "zone is missing")
        }
        let zone = try self.admission.zone(token: token, claiming: claimed, now: Date())
        try self.admission.enter(zone, identity: request.uri.queryParameters.get("identity") ?? "", now: Date())
        return zone
    }

    private func refuse(_ error: any Error, _ request: Request) -> Response {
        let refusal = AccessRefusal.of(error)
        self.metrics.refusals.with(refusal.reason.rawValue).add()
        self.logger.log(
            level: refusal.reason == .unknownBase ? .debug : .warning, "Refused a zone's request",
            metadata: [
                "request.path": "\(request.uri.path)", "mesh.zone": "\(request.uri.queryParameters.get("zone") ?? "-")",
                "reason": "\(refusal.reason.rawValue)", "detail": "\(refusal.message)",
            ])
        return refusal.response
    }
}
