import ConfigSync
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import JSONModel
import Logging
import NIOCore
import Planning
import Routing
import ServiceLifecycle
import Telemetry

/// What the proxy-facing server answers. Thin: decisions are `Admission`'s, `ConfigHub`'s and `CertificateGrant`'s.
struct ProxyHandlers: Sendable {
    let authenticator: any ProxyAuthenticator
    /// Takes resources that proxies bring; nil where proxies have theirs from the cluster.
    let registrar: (any ProxyRegistrar)?
    let hub: ConfigHub
    let acknowledgements: AcknowledgementBook
    let metrics: ProxyMetrics
    let logger: Logger

    /// A certificate request of 8192 RSA bits is 3 KiB, a thousand item errors are some 200 KiB.
    private static let maxBodyBytes = 1 << 20

    func stream(_ request: Request, on channel: any Channel) async -> Response {
        do {
            let proxy = try self.proxy(request)
            let token = try request.bearerToken
            try await self.authenticator.authenticate(token: token, as: proxy)
            try self.authenticator.authorize(proxy, token: token)
            let query = request.uri.queryParameters
            let (have, instance) = (query.get("have"), query.get("instance") ?? "")
            return Response(
                status: .ok, headers: [.contentType: StreamMessage.contentType, .cacheControl: "no-store"],
                body: ResponseBody { writer in
                    try await self.write(to: &writer, on: channel, proxy: proxy.id, instance: instance, have: have, request: request)
                })
        } catch {
            return self.refuse(error, request)
        }
    }

    /// Writes messages until the proxy leaves, the server stops, or a write fails.
    private func write(
        to writer: inout any ResponseBodyWriter, on channel: any Channel, proxy: ProxyID, instance: String, have: String?,
        request: Request
    ) async throws {
        let session = self.hub.open(proxy, instance: instance, have: have, program: request.programVersion)
        self.metrics.streams.add(1)
        self.logger.info("A proxy connected", metadata: ["proxy.type": "\(proxy.kind.rawValue)", "proxy.name": "\(proxy.name)"])
        defer {
            self.hub.close(session)
            self.metrics.streams.add(-1)
            self.logger.info("A proxy disconnected", metadata: ["proxy.type": "\(proxy.kind.rawValue)", "proxy.name": "\(proxy.name)"])
        }
        try await session.write(to: &writer, on: channel, request: request) { self.sent($0, to: proxy) }
    }

    private func sent(_ config: OutgoingConfig, to proxy: ProxyID) {
        self.metrics.sent(config)
        self.hub.presence.sent(to: proxy, now: Date())
        self.logger.debug(
            "Sent a configuration",
            metadata: [
                "proxy.name": "\(proxy.name)", "config.hash": "\(config.hash.prefix(12))", "config.form": "\(config.form.rawValue)",
                "config.bytes": "\(config.byteCount)",
            ])
    }

    func acknowledge(_ request: Request) async -> Response {
        do {
            let acknowledgement: ConfigSync.Acknowledgement = try await request.decoded(upTo: Self.maxBodyBytes)
            let proxy = ProxyClaim(
                type: acknowledgement.proxyType, name: acknowledgement.proxy, mesh: acknowledgement.mesh, home: self.authenticator.home)
            try await self.authenticator.authenticate(token: try request.bearerToken, as: proxy)
            self.acknowledgements.record(
                Planning.Acknowledgement(
                    hash: acknowledgement.hash, errors: acknowledgement.errors, authorities: acknowledgement.authorities ?? [:]),
                of: proxy.id, at: Date())
            self.hub.serves(proxy.id, acknowledgement.hash)
            self.hub.presence.acknowledged(by: proxy.id, hasErrors: !acknowledgement.errors.isEmpty)
            if let first = acknowledgement.errors.first {
                self.logger.warning(
                    "A proxy could not apply a part of its configuration",
                    metadata: [
                        "proxy.name": "\(acknowledgement.proxy)", "config.hash": "\(acknowledgement.hash.prefix(12))",
                        "errors": "\(acknowledgement.errors.count)", "reason": "\(first)",
                    ])
            }
            return Response(status: .noContent)
        } catch {
            return self.refuse(error, request)
        }
    }

    func certificate(_ request: Request) async -> Response {
        do {
            let wanted: CertificateRequest = try await request.decoded(upTo: Self.maxBodyBytes)
            let proxy = ProxyClaim(type: wanted.proxyType, name: wanted.name, mesh: wanted.mesh, home: self.authenticator.home)
            let token = try request.bearerToken
            try await self.authenticator.authenticate(token: token, as: proxy)
            try self.authenticator.authorize(proxy, token: token)
            guard let world = self.hub.world else {
                throw AccessRefusal(.unavailable, "the control plane has not read its cluster yet")
            }
            let grant = try world.grant(for: proxy.id, mesh: wanted.mesh)
            let chain: String
            do {
                chain = try grant.sign(
                    csr: wanted.csr, from: Holder(type: wanted.proxyType.rawValue, name: wanted.name), now: Date())
            } catch {
                let reason: AccessRefusal.Reason =
                    switch error.code {
                    case .expired: .unavailable
                    case .wrongHolder: .foreignSigningRequest
                    default: .badSigningRequest
                    }
                throw AccessRefusal(reason, error.message)
            }
            self.metrics.certificates.add()
            let now = Date()
            self.hub.presence.issued(to: proxy.id, mesh: wanted.mesh, .init(at: now, until: now + grant.profile.life.timeInterval))
            self.logger.info(
                "Signed a certificate",
                metadata: [
                    "proxy.name": "\(proxy.id.name)", "mesh.name": "\(wanted.mesh)",
                    "cert.names": "\(grant.profile.uris.joined(separator: ","))",
                ])
            return try Response.json(CertificateReply(chain: chain), status: .ok)
        } catch {
            return self.refuse(error, request)
        }
    }

    func register(_ request: Request) async -> Response {
        do {
            guard let registrar else {
                throw AccessRefusal(
                    .badRequest,
                    "this control plane has its proxies' resources from Kubernetes: kubectl apply the ZoneEgress, then start the proxy with "
                        + "--name instead of --dataplane-file")
            }
            let registration: Registration = try await request.decoded(upTo: Self.maxBodyBytes)
            let proxy = ProxyClaim(
                type: registration.proxyType, name: registration.name, mesh: registration.mesh, home: self.authenticator.home)
            let token = try request.bearerToken
            try await self.authenticator.authenticate(token: token, as: proxy)
            try await registrar.register(registration, as: proxy, token: token, now: Date())
            return Response(status: .noContent)
        } catch {
            return self.refuse(error, request)
        }
    }

    func withdraw(_ request: Request) async -> Response {
        do {
            let withdrawal: Withdrawal = try await request.decoded(upTo: Self.maxBodyBytes)
            let proxy = ProxyClaim(
                type: withdrawal.proxyType, name: withdrawal.name, mesh: withdrawal.mesh, home: self.authenticator.home)
            try await self.authenticator.authenticate(token: try request.bearerToken, as: proxy)
            if self.hub.presence.withdrawn(proxy.id, instance: withdrawal.instance) {
                self.logger.info(
                    "A proxy is stopping; nobody is sent to it any more",
                    metadata: ["proxy.type": "\(proxy.id.kind.rawValue)", "proxy.name": "\(proxy.id.name)"])
            }
            return Response(status: .noContent)
        } catch {
            return self.refuse(error, request)
        }
    }

    func answer(_ request: Request) async -> Response {
        do {
            let answer: Answer = try await request.decoded(upTo: Self.maxPageBytes)
            let proxy = ProxyClaim(type: answer.proxyType, name: answer.name, mesh: answer.mesh, home: self.authenticator.home)
            try await self.authenticator.authenticate(token: try request.bearerToken, as: proxy)
            guard self.hub.questions.answered(answer.id, by: proxy.id, answer.text) else {
                throw AccessRefusal(.badRequest, "nobody waits for this answer")
            }
            return Response(status: .noContent)
        } catch {
            return self.refuse(error, request)
        }
    }

    /// A table of 100,000 routes, or what a proxy of as many clusters counts.
    private static let maxPageBytes = 64 << 20

    // MARK: Requests and answers

    private func proxy(_ request: Request) throws(AccessRefusal) -> ProxyClaim {
        let query = request.uri.queryParameters
        guard let typeName = query.get("proxyType"), let type = ProxyType(rawValue: typeName) else {
            let known = ProxyType.allCases.map(\.rawValue).joined(separator: ", ")
            throw AccessRefusal(.badRequest, "proxyType has to be one of \(known)")
        }
        guard let name = query.get("name"), !name.isEmpty else { throw AccessRefusal(.badRequest, "name is missing") }
        return ProxyClaim(type: type, name: name, mesh: query.get("mesh") ?? "", home: self.authenticator.home)
    }

    private func refuse(_ error: any Error, _ request: Request) -> Response {
        let refusal = AccessRefusal.of(error)
        self.metrics.refusals.with(refusal.reason.rawValue).add()
        self.logger.warning(
            "Refused a proxy's request",
            metadata: [
                "request.path": "\(request.uri.path)", "proxy.name": "\(request.uri.queryParameters.get("name") ?? "-")",
                "reason": "\(refusal.reason.rawValue)", "detail": "\(refusal.message)",
            ])
        return refusal.response
    }
}
