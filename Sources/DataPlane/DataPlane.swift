import CurlTransport
import JSONModel
package import Logging
import NameResolution
import Relay
import TLSRelay
import Telemetry

/// One proxy, whole: what `egret-dp run` runs.
package struct DataPlane: Sendable {
    private let options: DataPlaneOptions
    private let logger: Logger
    private let engine: RelayEngine
    private let tls: TLSRelay
    private let readiness = Readiness()
    private let identities: IdentityKeeper
    private let session: ConfigSession
    private let transport: CurlTransport
    private let admins: [AdminServer]

    package init(options: DataPlaneOptions, logger: Logger) throws {
        self.options = options
        self.logger = logger
        let registry = MetricsRegistry()
        let metrics = ProxyMetrics(registry)
        let credentials = TLSCredentials()
        let workers = options.concurrency ?? UsableCores.count
        let resolver = DNSResolver(metrics: ResolverMetrics(registry))
        self.tls = TLSRelay(options: TLSRelayOptions(threads: workers), credentials: credentials, resolver: resolver, logger: logger)
        var relay = RelayOptions()
        relay.workers = workers
        relay.helloTimeout = options.helloTimeout
        relay.maxHelloBytes = options.maxHelloBytes
        self.engine = try RelayEngine(
            options: relay, handoff: TLSHandoff(self.tls),
            records: ProxyRecords(log: LoggingRecordSink(logger: logger), metrics: metrics), resolver: resolver, logger: logger)
        self.engine.register(in: registry)
        self.transport = CurlTransport()
        let client = ControlPlaneClient(options: options, transport: self.transport, version: EgretVersion.current)
        self.identities = IdentityKeeper(client: client, credentials: credentials, logger: logger)
        let applier = ConfigApplier(
            engine: self.engine, tls: self.tls, identities: self.identities, readiness: self.readiness,
            identityWait: options.identityWait, logger: logger)
        ProxyMetrics.register(applier, self.identities, in: registry)
        self.session = ConfigSession(client: client, applier: applier, logger: logger, metrics: metrics)
        let (readiness, engine) = (self.readiness, self.engine)
        self.admins = AdminServer.hosts(ownAddress: options.ownAddress).map { host, showsInside, isNeeded in
            AdminServer(
                host: host, port: options.adminPort, showsInside: showsInside, isNeeded: isNeeded, readiness: readiness,
                registry: registry, applier: applier, engine: engine, logger: logger)
        }
    }

    private enum End: Error { case drained }

    /// Serves until the first signal, then drains; a second signal ends the drain at once.
    /// - Throws: what keeps the proxy from starting.
    package func run(signals: AsyncStream<String>) async throws {
        try self.engine.start()
        do {
            try await withThrowingTaskGroup { group in
                for admin in self.admins { group.addTask { try await admin.run() } }
                group.addTask { await self.identities.run() }
                group.addTask { await self.session.run() }
                group.addTask {
                    await self.drain(after: signals)
                    throw End.drained
                }
                // Nothing here ends by itself but by failing or by the drain's end.
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

    private func stop() async {
        await self.engine.stop()
        await self.tls.shutdown()
        self.transport.shutDown()
    }

    private func drain(after signals: AsyncStream<String>) async {
        await withTaskGroup { group in
            // One reader of the signals; the drain runs beside it.
            group.addTask {
                var count = 0
                for await signal in signals {
                    count += 1
                    if count > 1 {
                        self.logger.warning("Stopping at once", metadata: ["why": "a second \(signal)"])
                        return true
                    }
                    self.readiness.terminate()
                    self.logger.info("Terminating: not ready any more", metadata: ["why": "\(signal)"])
                    self.terminating.update { $0 = true }
                }
                return false
            }
            group.addTask {
                guard await self.terminating.wait(atMost: nil, until: { $0 }) else { return false }
                await self.engine.drain(grace: self.options.drainGrace, deadline: self.options.drainTime)
                return true
            }
            while let isOver = await group.next() { if isOver { break } }
            group.cancelAll()
        }
    }

    private let terminating = Watched(false)
}
