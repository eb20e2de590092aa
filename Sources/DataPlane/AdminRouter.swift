import JSONModel
import Logging
import Relay
import Routing
import Telemetry

/// Which request gets which answer. `docs/admin.md` describes the pages.
struct AdminRouter: Sendable {
    let readiness: Readiness
    let registry: MetricsRegistry
    let applier: ConfigApplier
    let identities: any IdentitySource
    let engine: RelayEngine
    let logLevel: LogLevel
    let logger: Logger
    /// Begins the drain that SIGTERM begins; false when it has begun before.
    let drain: @Sendable () -> Bool

    struct Page: Sendable {
        let path: String
        let about: String
        /// Whether only clients on loopback see it.
        var isInside = true
        var posts = false

        var methods: [String] { ["GET", "HEAD"] + (self.posts ? ["POST", "PUT"] : []) }
    }

    static let pages: [Page] = [
        Page(path: "/", about: "This list.", isInside: false),
        Page(path: "/ready", about: "200 once the first configuration serves, 503 before and while the proxy stops.", isInside: false),
        Page(path: "/live", about: "200 while the process answers.", isInside: false),
        Page(path: "/metrics", about: "Metrics in Prometheus text format.", isInside: false),
        Page(path: "/stats/prometheus", about: "The same metrics.", isInside: false),
        Page(path: "/config", about: "The configuration in service, what of it is not served, and why a newer one was refused."),
        Page(path: "/connections", about: "Open connections, the first 1000; ?limit=N shows more."),
        Page(path: "/clusters", about: "Destinations: endpoints, their addresses, connections, failures and ejection."),
        Page(path: "/certs", about: "Certificates and trusted authorities, without keys."),
        Page(path: "/logging", about: "The log level; POST ?level=debug changes it.", posts: true),
        Page(path: "/drain", about: "Whether the proxy drains; POST begins the drain that SIGTERM begins.", posts: true),
    ]

    func answer(_ request: AdminRequest) async -> AdminAnswer {
        guard let page = Self.pages.first(where: { $0.path == request.path }), request.isLocal || !page.isInside else {
            let shown = Self.pages.filter { request.isLocal || !$0.isInside }.map(\.path).joined(separator: ", ")
            return .refused(404, "there are \(shown)\(request.isLocal ? "" : " (more on loopback)")")
        }
        guard page.methods.contains(request.method) else {
            var answer = AdminAnswer.refused(405, "\(page.path) takes \(page.methods.joined(separator: ", "))")
            answer.allow = page.methods.joined(separator: ", ")
            return answer
        }
        if page.isInside, let suspicion = request.suspicion { return .refused(403, "refused: \(suspicion)") }
        let changes = request.method == "POST" || request.method == "PUT"
        switch page.path {
        case "/": return AdminIndex.page(isLocal: request.isLocal)
        case "/ready":
            let state = self.readiness.state
            return AdminAnswer(status: state == .ready ? 200 : 503, text: "\(state.rawValue)\n")
        case "/live": return AdminAnswer(text: "LIVE\n")
        case "/metrics", "/stats/prometheus":
            return AdminAnswer(type: "text/plain; version=0.0.4; charset=utf-8", text: self.registry.render())
        case "/config":
            return .json(AdminPages.config(self.applier.applied, errors: self.applier.errors, refused: self.applier.refusal))
        case "/connections":
            let limit = request.query["limit"].map { Int($0) } ?? 1000
            guard let limit, limit >= 0 else { return .refused(400, "limit is a number, such as ?limit=5000") }
            return .json(AdminPages.connections(await self.engine.connections(), limit: limit))
        case "/clusters": return .json(AdminPages.clusters(await self.engine.clusters()))
        case "/certs": return .json(CertificatePage.json(self.identities.certificates, self.applier.applied?.config ?? ProxyConfig()))
        case "/logging": return changes ? self.changeLogLevel(request.query["level"]) : self.logging
        default: return changes ? self.beginDrain() : .json(["state": JSON(self.readiness.state.rawValue)])
        }
    }

    private var logging: AdminAnswer {
        .json(["level": JSON(self.logLevel.level.rawValue), "levels": .array(Logger.Level.allCases.map { JSON($0.rawValue) })])
    }

    private func changeLogLevel(_ text: String?) -> AdminAnswer {
        guard let text, let level = Logger.Level(rawValue: text.lowercased()) else {
            let known = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            return .refused(400, "give ?level= one of \(known)")
        }
        let before = self.logLevel.level
        self.logLevel.level = level
        self.logger.notice("Log level changed by the admin server", metadata: ["log.level": "\(level)", "log.level.before": "\(before)"])
        return self.logging
    }

    private func beginDrain() -> AdminAnswer {
        let isNew = self.drain()
        var answer = AdminAnswer.json(["state": JSON(self.readiness.state.rawValue), "begun": JSON(isNew)])
        answer.status = 202
        return answer
    }
}
