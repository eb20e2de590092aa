import ConfigSync
import FoundationEssentials
import Identity
import Logging
import Relay
import Routing
import Synchronization
import TLSRelay
import Telemetry
import X509

/// Puts snapshots into service: trust and certificates first, then the table, so that what is served works at once.
final class ConfigApplier: Sendable {
    struct Applied: Sendable {
        /// Counts what this process applied, from 1.
        var generation: Int
        var hash: String
        var config: ProxyConfig
        /// Items that are not served. Identities come and go without a snapshot; `errors` of the applier has them.
        var errors: [ItemError]
        /// Keys of the authorities that are trusted, by mesh.
        var trusted: [String: [String]]
        var at: Date
    }

    private let engine: RelayEngine
    private let tls: TLSRelay
    private let identities: any IdentitySource
    private let readiness: Readiness
    private let metrics: ProxyMetrics
    private let identityWait: Duration
    /// After a restart: a control plane that is there signs within this time.
    private static let restoreWait = Duration.seconds(2)
    private let logger: Logger
    private let current = Mutex<Applied?>(nil)
    /// What the next difference is read upon.
    private let reading = Mutex<ConfigReading?>(nil)
    /// Told of each text that serves.
    private let serving: @Sendable (ConfigText) -> Void
    private let lastRefusal = Mutex<Refused?>(nil)
    /// Configurations refused whole, and items that were refused while the rest was served.
    let refusedWhole = Counter()
    let refusedItems = Counter()

    /// A configuration that came after the one in service and was refused whole.
    struct Refused: Sendable {
        var problems: [String]
        var at: Date
    }

    init(
        engine: RelayEngine, tls: TLSRelay, identities: any IdentitySource, readiness: Readiness, metrics: ProxyMetrics,
        identityWait: Duration, logger: Logger, applied: @escaping @Sendable (ConfigText) -> Void = { _ in }
    ) {
        self.engine = engine
        self.tls = tls
        self.identities = identities
        self.readiness = readiness
        self.metrics = metrics
        self.identityWait = identityWait
        self.logger = logger
        self.serving = applied
    }

    var applied: Applied? { self.current.withLock { $0 } }

    /// Why a newer configuration is not in service; nil while the newest one is.
    var refusal: Refused? { self.lastRefusal.withLock { $0 } }

    /// The last good one goes on.
    func refused(_ problems: [String]) {
        self.lastRefusal.withLock { $0 = Refused(problems: problems, at: Date()) }
        self.refusedWhole.add()
        for problem in problems {
            self.logger.error(
                "The new configuration is refused; the last good one keeps serving",
                metadata: ["reason": "\(problem)", "config.generation": "\(self.applied?.generation ?? 0)"])
        }
    }

    /// What of the applied snapshot is not served now.
    var errors: [ItemError] { (self.applied?.errors ?? []) + self.identities.errors }

    /// By mesh, as of now: certificates are renewed without a snapshot.
    var authorities: [String: AuthorityKeys] {
        var keys = self.applied?.trusted.mapValues { AuthorityKeys(trusted: $0) } ?? [:]
        for (mesh, chain) in self.identities.certificates { keys[mesh, default: AuthorityKeys()].issuer = chain.first?.issuerKey }
        return keys
    }

    private static func trusted(_ trust: [Trust]) -> [String: [String]] {
        Dictionary(
            trust.map { trust in
                let roots = (try? Certificate.bundle(pem: trust.ca, what: "the trust")) ?? []
                return (trust.mesh, roots.compactMap(\.ownKey))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Puts what the control plane sent into service, and has it kept for a restart.
    func apply(_ update: ConfigUpdate) async {
        let reading = self.reading.withLock { reading in
            let new = ConfigReading(update, after: reading)
            reading = new
            return new
        }
        await self.apply(reading.config, hash: update.text.hash, errors: reading.errors)
        self.serving(update.text)
    }

    /// Puts into service what served before a restart, with the certificates that can be had now.
    func restore(_ text: ConfigText) async {
        let reading = ConfigReading(text)
        self.reading.withLock { $0 = reading }
        await self.apply(reading.config, hash: text.hash, errors: reading.errors, isRestored: true)
    }

    /// - Parameter errors: what was found wrong on the way here.
    func apply(_ config: ProxyConfig, hash: String, errors: [ItemError], isRestored: Bool = false) async {
        var errors = errors
        errors += self.tls.apply(config)
        self.identities.want(config.identities)
        if isRestored {
            await self.identities.waitUntilTried(atMost: Self.restoreWait)
        } else {
            await self.identities.waitUntilReady(atMost: self.identityWait)
        }
        errors += await self.engine.apply(config)
        self.metrics.keep(only: config.clusters)

        self.lastRefusal.withLock { $0 = nil }
        let trusted = Self.trusted(config.trust)
        let generation = self.current.withLock { current in
            let generation = (current?.generation ?? 0) + 1
            current = Applied(generation: generation, hash: hash, config: config, errors: errors, trusted: trusted, at: Date())
            return generation
        }
        self.readiness.firstSnapshotApplied()
        let all = self.errors
        self.logger.info(
            "Configuration applied",
            metadata: [
                "config.hash": "\(hash.prefix(12))", "config.generation": "\(generation)", "listeners": "\(config.listeners.count)",
                "clusters": "\(config.clusters.count)", "meshes": "\(config.trust.count)", "errors": "\(all.count)",
            ])
        self.refusedItems.add(UInt64(all.count))
        for error in all {
            self.logger.warning(
                "A part of the configuration is not served; the rest is", metadata: ["item": "\(error.item)", "reason": "\(error.message)"])
        }
    }
}
