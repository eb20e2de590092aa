import FoundationEssentials
import Identity
import KubeAPI
import KubeRuntime
import Logging
import Planning
import ServiceLifecycle

/// The servers that show the serving certificate, with what has to be there first: caches and the certificate, which is also
/// kept fresh.
struct ProxyFacing: Service {
    let source: any WorldSource
    let store: ServingCertificateStore
    let leadership: Leadership
    let readiness: Readiness
    var home = Home.kubernetes
    let logger: Logger
    let makeServers: @Sendable (ServingIdentity) -> [any Service]

    private static let checkPeriod = Duration.seconds(60)

    func run() async throws {
        let first: ServingCertificate
        do {
            try await self.source.waitUntilRead()
            first = try await self.certificate()
        } catch {
            // Stopped before there was anything to serve.
            return
        }
        let identity = try ServingIdentity(first)
        try await withThrowingTaskGroup { group in
            group.addTask { try await Self.run(self.makeServers(identity)) }
            group.addTask { await self.follow(identity) }
            // The servers end first: with the process, or because one cannot listen.
            try await group.next()
            group.cancelAll()
        }
    }

    /// Until all have ended, or one has failed.
    private static func run(_ servers: [any Service]) async throws {
        try await withThrowingTaskGroup { group in
            for server in servers { group.addTask { try await server.run() } }
            try await group.waitForAll()
        }
    }

    /// Asks until there is an answer: without a certificate there is nothing to serve.
    private func certificate() async throws(CancellationError) -> ServingCertificate {
        let backoff = Backoff()
        var generator = SystemRandomNumberGenerator()
        var failures = 0
        var said: String?
        while true {
            do {
                return try await self.store.ensure(now: Date())
            } catch {
                failures += 1
                if said != error.description {
                    said = error.description
                    self.logger.error("There is no serving certificate yet", metadata: ["cause": "\(error)"])
                    self.readiness.set(.proxyServer, "no serving certificate: \(error)")
                }
            }
            do { try await Task.sleep(for: backoff.delay(failures: failures, using: &generator)) } catch { throw CancellationError() }
        }
    }

    /// Shows what the Secret holds, whoever wrote it. While we lead, renews it in time and puts it back when it is deleted.
    private func follow(_ identity: ServingIdentity) async {
        let changes = self.source.changes()
        let wake = Wake()
        await withTaskGroup { group in
            group.addTask { for await _ in changes { wake.up() } }
            group.addTask { for await isLeader in self.leadership.changes() where isLeader { wake.up() } }
            group.addTask {
                while (try? await Task.sleep(for: Self.checkPeriod)) != nil { wake.up() }
            }
            var seen: String?
            for await _ in wake.stream { await self.look(identity, seen: &seen) }
            group.cancelAll()
        }
    }

    /// - Parameter seen: the version of the Secret that was read last; most changes are of other objects.
    private func look(_ identity: ServingIdentity, seen: inout String?) async {
        let name = ServingCertificateStore.secretName
        guard let secret = self.source.object(.secrets, name) else {
            seen = nil
            guard self.leadership.isLeader else { return }
            await self.tellFailure("Could not put the serving certificate back") {
                guard try await self.store.restore(identity.certificate) else { return }
                self.logger.info(
                    "Created an object",
                    metadata: [
                        self.home.objectKey: "Secret/\(self.source.namespace)/\(name)",
                        "why": "the serving certificate was deleted; new proxies need its CA",
                    ])
            }
            return
        }
        let version = secret.metadata.resourceVersion
        if version == nil || version != seen {
            seen = version
            await self.tellFailure("The serving certificate in the Secret is not usable; the one before stays") {
                if try identity.update(try self.store.read(secret)) { self.logger.info("Serving a new certificate") }
            }
        }
        guard self.leadership.isLeader, self.store.needsRenewal(identity.certificate, now: Date()) else { return }
        await self.tellFailure("Could not renew the serving certificate") {
            _ = try await self.store.ensure(now: Date())
            self.logger.info("Renewed the serving certificate", metadata: ["why": "4/5 of its life are over, or a name was missing"])
        }
    }

    private func tellFailure(_ message: Logger.Message, _ body: () async throws -> Void) async {
        do { try await body() } catch { self.logger.warning(message, metadata: ["cause": "\(error)"]) }
    }
}
