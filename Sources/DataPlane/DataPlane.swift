import ConfigSync
import CurlTransport
import JSONModel
package import Logging
import NameResolution
import Relay
import StaticConfig
import TLSRelay
import Telemetry

/// One proxy, whole: what `egret-dp run` runs.
package struct DataPlane: Sendable {
    private let options: DataPlaneOptions
    let registry: MetricsRegistry
    private let logger: Logger
    let engine: RelayEngine
    private let tls: TLSRelay
    private let readiness = Readiness()
    private let identities: any IdentitySource
    private let follower: Follower
    private let reloads = Watched(0)
    private let drainRequests = DrainRequests()
    private let terminating = Watched(false)
    private let admins: [AdminServer]
    private let keeper: StateKeeper?

    /// What brings configurations.
    private enum Follower: Sendable {
        case controlPlane(ConfigSession, CurlTransport)
        case file(StaticSource)
    }

    /// - Throws: `UnusableFile` for a static file that is refused whole, or what the machine refuses.
    package init(options: DataPlaneOptions, logger: Logger) throws {
        self.options = options
        self.logger = logger
        let registry = MetricsRegistry()
        self.registry = registry
        let metrics = ProxyMetrics(registry)
        let credentials = TLSCredentials()
        var loader: StaticFileLoader?
        var loaded: StaticFileLoader.Loaded?
        if case .file(let path) = options.source {
            loader = StaticFileLoader(path: path) { credentials.problem(of: $0) }
            loaded = try loader?.load(previous: nil)
        }
        let settings = loaded?.config.settings
        let workers = options.concurrency ?? settings?.workers ?? UsableCores.count
        var relay = RelayOptions()
        var tls = TLSRelayOptions(threads: workers)
        relay.workers = workers
        if let settings {
            relay.take(settings)
            tls.take(settings)
        }
        relay.helloTimeout = options.helloTimeout ?? relay.helloTimeout
        relay.memoryLimit = options.memoryLimit
        relay.maxHelloBytes = options.maxHelloBytes ?? relay.maxHelloBytes
        let resolver = DNSResolver(metrics: ResolverMetrics(registry))
        self.tls = TLSRelay(options: tls, credentials: credentials, resolver: resolver, logger: logger)
        self.engine = try RelayEngine(
            options: relay, handoff: TLSHandoff(self.tls),
            records: ProxyRecords(log: LoggingRecordSink(logger: logger), metrics: metrics), resolver: resolver, logger: logger)
        self.engine.register(in: registry)
        let transport: (CurlTransport, ControlPlaneClient)?
        let fileIdentities: StaticIdentities?
        var restoredText: ConfigText?
        if case .controlPlane(let address) = options.source {
            let curl = CurlTransport()
            let client = ControlPlaneClient(options: options, address: address, transport: curl, version: EgretVersion.current)
            transport = (curl, client)
            fileIdentities = nil
            let keeper = options.stateFolder.map { path in
                StateKeeper(
                    folder: StateFolder(
                        path: path, keepsKeys: options.savesKeys,
                        owner: .init(proxyType: options.proxyType, name: options.name, mesh: options.mesh)),
                    logger: logger)
            }
            let restored = keeper?.restore()
            self.keeper = keeper
            restoredText = restored?.text
            self.identities = IdentityKeeper(
                client: client, credentials: credentials, keeper: keeper.flatMap { $0.folder.keepsKeys ? $0 : nil },
                restored: restored?.identities ?? [], logger: logger)
        } else {
            self.keeper = nil
            transport = nil
            let identities = StaticIdentities(credentials: credentials)
            fileIdentities = identities
            self.identities = identities
        }
        let keeper = self.keeper
        let applier = ConfigApplier(
            engine: self.engine, tls: self.tls, identities: self.identities, readiness: self.readiness,
            metrics: metrics, identityWait: options.identityWait, logger: logger
        ) { [keeper] text in keeper?.keep(text) }
        ProcessMetrics.register(self.readiness, in: registry)
        registry.exposeOverflow(as: "egret_metric_overflow_total")
        ConfigMetrics.register(applier, self.identities, in: registry)
        let engine = self.engine
        if let (curl, client) = transport {
            self.follower = .controlPlane(
                ConfigSession(
                    client: client, applier: applier, logger: logger,
                    connected: registry.gauge("egret_control_plane_connected", help: "1 while the config stream is open."),
                    page: { await AskedPage.text($0, registry, applier, engine) }, restored: restoredText), curl)
        } else if let loader, let loaded, let fileIdentities {
            self.follower = .file(
                StaticSource(loader: loader, first: loaded, applier: applier, identities: fileIdentities, logger: logger))
        } else {
            preconditionFailure("a proxy without control plane has a file")
        }
        let (readiness, requests, terminating) = (self.readiness, self.drainRequests, self.terminating)
        let router = AdminRouter(
            readiness: readiness, registry: registry, applier: applier, identities: self.identities, engine: self.engine,
            logLevel: .shared, logger: logger
        ) {
            guard requests.adminRequest() == .begin else { return false }
            readiness.terminate()
            logger.info("Terminating: not ready any more", metadata: ["why": "POST /drain"])
            terminating.update { $0 = true }
            return true
        }
        let port = options.adminPort ?? settings?.adminPort ?? 9901
        let hosts = AdminServer.hosts(ownAddress: settings?.adminAddress ?? options.ownAddress)
        self.admins = ([port] + [options.readinessPort].compactMap(\.self)).flatMap { port in
            hosts.map { host, isNeeded in AdminServer(host: host, port: port, isNeeded: isNeeded, router: router, logger: logger) }
        }
    }

    private enum End: Error { case drained }

    /// Reads the static file again; without one, nothing.
    package func reload() { self.reloads.update { $0 += 1 } }

    /// Serves until the first signal or a drain asked for by the admin server, then drains; a second signal ends the drain at once.
    /// - Throws: what keeps the proxy from starting.
    package func run(signals: AsyncStream<String>) async throws {
        try self.engine.start()
        do {
            try await withThrowingTaskGroup { group in
                for admin in self.admins { group.addTask { try await admin.run() } }
                group.addTask { await self.identities.run() }
                if let keeper = self.keeper { group.addTask { await keeper.run() } }
                switch self.follower {
                case .controlPlane(let session, _): group.addTask { await session.run() }
                case .file(let source): group.addTask { await source.run(requests: self.reloads) }
                }
                group.addTask {
                    // The first configuration is served by the first time, or, where whoever gives it is slow, by the second.
                    for delay in [Duration.milliseconds(300), .seconds(5)] {
                        guard (try? await Task.sleep(for: delay)) != nil else { return }
                        ProcessMemory.releaseStartCode()
                    }
                }
                group.addTask {
                    await self.drain(after: signals)
                    throw End.drained
                }
                // Nothing else here ends by itself but by failing or by the drain's end.
                while try await group.next() != nil {}
            }
        } catch End.drained {
            self.logger.info("Stopped")
        } catch {
            await self.stop()
            throw error
        }
        await self.stop()
    }

    /// Closes everything; for a proxy that was never run too.
    func stop() async {
        await self.engine.stop()
        await self.tls.shutdown()
        if case .controlPlane(_, let transport) = self.follower { transport.shutDown() }
    }

    /// Tells the control plane, and again now and then: a control plane that has restarted does not know.
    private func withdraw() async {
        guard case .controlPlane(let session, _) = self.follower else { return }
        while !Task.isCancelled {
            do {
                try await session.client.withdraw()
            } catch {
                self.logger.info(
                    "Could not tell the control plane that this proxy stops; it is found out when the stream ends",
                    metadata: ["cause": "\(error)"])
            }
            try? await Task.sleep(for: .seconds(5))
        }
    }

    private func drain(after signals: AsyncStream<String>) async {
        await withTaskGroup { group in
            // One reader of the signals; the drain runs beside it.
            group.addTask {
                for await signal in signals {
                    switch self.drainRequests.signal() {
                    case .stopAtOnce:
                        self.logger.warning("Stopping at once", metadata: ["why": "a second \(signal)"])
                        return true
                    case .goOn: self.logger.info("Already draining", metadata: ["why": "\(signal)"])
                    case .begin:
                        self.readiness.terminate()
                        self.logger.info("Terminating: not ready any more", metadata: ["why": "\(signal)"])
                        self.terminating.update { $0 = true }
                    }
                }
                return false
            }
            group.addTask {
                guard await self.terminating.wait(atMost: nil, until: { $0 }) else { return false }
                await self.engine.drain(grace: self.options.drainGrace, deadline: self.options.drainTime)
                return true
            }
            group.addTask {
                guard await self.terminating.wait(atMost: nil, until: { $0 }) else { return false }
                await self.withdraw()
                return false
            }
            while let isOver = await group.next() { if isOver { break } }
            group.cancelAll()
        }
    }
}
