import FoundationEssentials
import Identity
import KubeAPI
import KubeRuntime
import Logging
import ServiceLifecycle

/// The proxy-facing server with what has to be there first: caches and a serving certificate, which is also kept fresh.
struct ProxyFacing: Service {
    let reader: WorldReader
    let store: ServingCertificateStore
    let leadership: Leadership
    let readiness: Readiness
    let logger: Logger
    let makeServer: @Sendable (ServingIdentity) -> ProxyServer

    private static let renewalCheck = Duration.seconds(3600)

    func run() async throws {
        let first: ServingCertificate
        do {
            try await self.reader.informers.waitUntilSynchronised()
            first = try await self.certificate()
        } catch {
            // Stopped before there was anything to serve.
            return
        }
        let identity = try ServingIdentity(first)
        try await withThrowingTaskGroup { group in
            let server = self.makeServer(identity)
            group.addTask { try await server.run() }
            group.addTask { try await self.follow(identity) }
            // The server ends first: with the process, or because it cannot listen.
            try await group.next()
            group.cancelAll()
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

    /// Shows what the Secret holds, whoever wrote it, and renews it in time while we lead.
    private func follow(_ identity: ServingIdentity) async throws {
        let changes = self.reader.informers[.secrets].changes()
        try await withThrowingTaskGroup { group in
            group.addTask {
                for await change in changes
                where change.contains(where: { $0.keys.contains { $0.name == ServingCertificateStore.secretName } }) {
                    self.show(identity)
                }
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: Self.renewalCheck)
                    guard self.leadership.isLeader, let current = self.current(), self.store.needsRenewal(current, now: Date()) else {
                        continue
                    }
                    do {
                        _ = try await self.store.ensure(now: Date())
                        self.logger.info("Renewed the serving certificate", metadata: ["why": "4/5 of its life are over"])
                    } catch {
                        self.logger.warning("Could not renew the serving certificate", metadata: ["cause": "\(error)"])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func current() -> ServingCertificate? {
        self.reader.object(.secrets, ServingCertificateStore.secretName).flatMap { try? self.store.read($0) }
    }

    private func show(_ identity: ServingIdentity) {
        guard let secret = self.reader.object(.secrets, ServingCertificateStore.secretName) else { return }
        do {
            if try identity.update(try self.store.read(secret)) { self.logger.info("Serving a new certificate") }
        } catch {
            self.logger.warning("The new serving certificate is not usable; the old one stays", metadata: ["cause": "\(error)"])
        }
    }
}
