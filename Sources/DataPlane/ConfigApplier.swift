import ConfigSync
import FoundationEssentials
import Logging
import Relay
import Routing
import Synchronization
import TLSRelay

/// Puts snapshots into service: trust and certificates first, then the table, so that what is served works at once.
final class ConfigApplier: Sendable {
    struct Applied: Sendable {
        var hash: String
        var config: ProxyConfig
        /// Items that are not served. Identities come and go without a snapshot; `errors` of the applier has them.
        var errors: [ItemError]
        var at: Date
    }

    private let engine: RelayEngine
    private let tls: TLSRelay
    private let identities: IdentityKeeper
    private let readiness: Readiness
    private let identityWait: Duration
    private let logger: Logger
    private let current = Mutex<Applied?>(nil)

    init(
        engine: RelayEngine, tls: TLSRelay, identities: IdentityKeeper, readiness: Readiness, identityWait: Duration, logger: Logger
    ) {
        self.engine = engine
        self.tls = tls
        self.identities = identities
        self.readiness = readiness
        self.identityWait = identityWait
        self.logger = logger
    }

    var applied: Applied? { self.current.withLock { $0 } }

    /// What of the applied snapshot is not served now.
    var errors: [ItemError] { (self.applied?.errors ?? []) + self.identities.errors }

    func apply(_ snapshot: Snapshot) async {
        let reading = ConfigReading(snapshot.config)
        var errors = reading.errors
        errors += self.tls.apply(reading.config)
        self.identities.want(reading.config.identities)
        await self.identities.waitUntilReady(atMost: self.identityWait)
        errors += await self.engine.apply(reading.config)

        let applied = Applied(hash: snapshot.hash, config: reading.config, errors: errors, at: Date())
        self.current.withLock { $0 = applied }
        self.readiness.firstSnapshotApplied()
        let all = self.errors
        self.logger.info(
            "Configuration applied",
            metadata: [
                "config.hash": "\(snapshot.hash.prefix(12))", "listeners": "\(reading.config.listeners.count)",
                "clusters": "\(reading.config.clusters.count)", "meshes": "\(reading.config.trust.count)", "errors": "\(all.count)",
            ])
        for error in all {
            self.logger.warning(
                "A part of the configuration is not served; the rest is", metadata: ["item": "\(error.item)", "reason": "\(error.message)"])
        }
    }
}
