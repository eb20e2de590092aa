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
    private let departures = Mutex<[Departure]>([])
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
        let (config, now) = (reading.config, ContinuousClock.now)
        let former = self.applied?.config
        await self.apply(config, hash: update.text.hash, errors: reading.errors, departed: self.depart(config, former, now: now))
        self.serving(update.text)
    }

    /// Puts into service what served before a restart, with the certificates that can be had now.
    func restore(_ text: ConfigText) async {
        let reading = ConfigReading(text)
        self.reading.withLock { $0 = reading }
        await self.apply(reading.config, hash: text.hash, errors: reading.errors, isRestored: true)
    }

    /// - Parameters:
    ///   - errors: what was found wrong on the way here.
    ///   - departed: what is served beside it for a while.
    func apply(
        _ config: ProxyConfig, hash: String, errors: [ItemError], isRestored: Bool = false, departed: [ProxyConfig] = []
    ) async {
        var errors = errors
        let whole = departed.reduce(config) { $0.keeping($1) }
        errors += self.tls.apply(whole)
        self.identities.want(whole.identities)
        if isRestored {
            await self.identities.waitUntilTried(atMost: Self.restoreWait)
        } else {
            await self.identities.waitUntilReady(atMost: self.identityWait)
        }
        errors += await self.engine.apply(whole)
        self.metrics.keep(only: whole.clusters)

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

    // MARK: What has departed

    /// Routes that the control plane has taken from the table, and until when they are served all the same.
    private struct Departure {
        var table: ProxyConfig
        var until: ContinuousClock.Instant
    }

    /// Those who call through this proxy hear of a change at about the same time: whoever hears of it later meets the old way, and not
    /// a refusal. A table that cuts connections of removed routes wants none of that.
    private static let departureTime = Duration.seconds(5)

    /// What departs with a new table, and what did so lately and has not come back.
    private func depart(_ config: ProxyConfig, _ former: ProxyConfig?, now: ContinuousClock.Instant) -> [ProxyConfig] {
        let certified = Set(self.identities.certificates.map(\.mesh))
        return self.departures.withLock { departures in
            if config.removedRoutes == .cut {
                departures = []
                return []
            }
            departures = departures.filter { $0.until > now }.compactMap { departure in
                config.departed(from: departure.table, certified: certified).map { Departure(table: $0, until: departure.until) }
            }
            if let lost = former.flatMap({ config.departed(from: $0, certified: certified) }) {
                departures.append(Departure(table: lost, until: now + Self.departureTime))
            }
            return departures.map(\.table)
        }
    }

    /// Ends what has been served long enough. To be called again and again.
    func letGo(now: ContinuousClock.Instant = .now) async {
        guard let applied = self.applied, self.departures.withLock({ $0.contains { $0.until <= now } }) else { return }
        let whole = self.depart(applied.config, nil, now: now).reduce(applied.config) { $0.keeping($1) }
        _ = self.tls.apply(whole)
        self.identities.want(whole.identities)
        _ = await self.engine.apply(whole)
        self.metrics.keep(only: whole.clusters)
    }
}
