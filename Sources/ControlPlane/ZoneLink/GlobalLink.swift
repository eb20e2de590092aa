import ConfigSync
import ControlPlaneAccess
import CurlTransport
import FoundationEssentials
import JSONModel
import Logging
import MeshModel
import Planning
import Store
import Telemetry
import ZoneSync

/// A zone's connection to the global control plane: keeps what comes down, tells what is here.
///
/// One control plane of a zone has it at a time. While the global one is away nothing changes here, restarts included: what came
/// down is kept like everything else.
struct GlobalLink: Sendable {
    private let who: ZoneExchange
    private let global: GlobalControlPlaneAddress
    private let connection: ControlPlaneConnection
    private let replicator: Replicator
    private let reports: ReportSource
    private let pages: ProxyPages
    private let metrics: GlobalLinkMetrics
    private let logger: Logger

    init(
        who: ZoneExchange, global: GlobalControlPlaneAddress, authority: TextSource? = nil, token: TextSource?, transport: CurlTransport,
        version: String, replicator: Replicator,
        reports: ReportSource, pages: ProxyPages, metrics: GlobalLinkMetrics, logger: Logger
    ) {
        self.who = who
        self.global = global
        self.connection = ControlPlaneConnection(
            ControlPlaneAddress(url: global.url, ca: authority, token: token), transport: transport, userAgent: "egret-cp/\(version)",
            words: .init(token: "this zone's token", peer: "the global control plane", authorityFlag: "--global-ca-cert-file"))
        self.replicator = replicator
        self.reports = reports
        self.pages = pages
        self.metrics = metrics
        self.logger = logger
    }

    private enum Event: Sendable {
        case connected(have: String?)
        case disconnected
        case news
    }

    /// Until cancelled.
    func run() async {
        if self.global.isKumaSpelling {
            self.logger.notice(
                "The global control plane's address is spelled as in Kuma; speaking HTTPS to the same host and port",
                metadata: ["global.address": "\(self.global.url)"])
        }
        let (events, sender) = AsyncStream<Event>.makeStream()
        await withTaskGroup { group in
            group.addTask { await self.replicator.run { sender.yield(.news) } }
            group.addTask { await self.follow { sender.yield($0) } }
            group.addTask { await self.tell(events) }
            group.addTask { await self.reports.follow { sender.yield(.news) } }
            await group.waitForAll()
        }
        self.metrics.connected.set(0)
    }

    // MARK: Down

    private func follow(_ tell: @escaping @Sendable (Event) -> Void) async {
        var machine = SessionMachine(words: .init(peer: "the global control plane", caller: "this zone"))
        var assembler = ConfigAssembler()
        var generator = SystemRandomNumberGenerator()
        var action = machine.start
        var lines: StreamLines?
        await withTaskGroup(of: Void.self) { answers in
            while !Task.isCancelled {
                let input: SessionMachine.Input
                switch action {
                case .connect(let have):
                    do throws(ControlPlaneConnection.Failure) {
                        let stream = try await self.connection.openStream(self.who.streamTarget(have: have))
                        lines = StreamLines(stream.body)
                        assembler.begin()
                        self.metrics.connected.set(1)
                        self.logger.info(
                            "Connected to the global control plane", metadata: ["global.address": "\(self.global.url)"])
                        tell(.connected(have: stream.headers[ZoneExchange.toldHeader]))
                        input = .opened
                    } catch {
                        input = error.input
                    }
                case .listen: input = await lines?.next(&assembler) ?? .ended
                case .apply(let update):
                    self.metrics.received(update)
                    self.replicator.want(update.text)
                    input = await lines?.next(&assembler) ?? .ended
                case .wait(let time, let setback):
                    lines = nil
                    self.metrics.connected.set(0)
                    tell(.disconnected)
                    if Task.isCancelled { return }
                    self.report(setback, time)
                    input = await SessionMachine.pause(time, credentialsOf: self.connection.address)
                }
                if case .received(.question(let question)) = input { answers.addTask { await self.answer(question) } }
                action = machine.next(input, using: &generator)
            }
        }
    }

    private func report(_ setback: SessionMachine.Setback, _ time: Duration) {
        let metadata: Logger.Metadata = [
            "cause": "\(setback.sentence)", "meanwhile": "the zone goes on with what it has",
            "retry.seconds": "\(max(1, time.components.seconds))", "global.address": "\(self.global.url)",
        ]
        switch setback.kind {
        case .ended: self.logger.info("The global control plane closed the stream; connecting again", metadata: metadata)
        case .refused: self.logger.warning("The global control plane refuses this zone", metadata: metadata)
        case .unreachable: self.logger.warning("No connection to the global control plane", metadata: metadata)
        }
    }

    private func answer(_ question: Question) async {
        guard let proxy = question.proxy else { return }
        let id = ResourceID(kind: proxy.kind, mesh: proxy.mesh, name: proxy.name)
        guard let resource = self.pages.reader.resource(id), let text = await self.pages.page(question.page, of: resource) else { return }
        do {
            _ = try await self.connection.post(self.who.answerTarget, ZoneAnswer(id: question.id, text: text))
        } catch {
            self.logger.debug("Could not answer the global control plane", metadata: ["resource": "\(id)", "cause": "\(error)"])
        }
    }

    // MARK: Up

    private func tell(_ events: AsyncStream<Event>) async {
        var machine = ReportMachine()
        var said: String?
        for await event in events {
            var action: ReportMachine.Action
            switch event {
            case .connected(let have): action = machine.next(.connected(have: have))
            case .disconnected: action = machine.next(.disconnected)
            case .news: action = machine.next(.changed(self.reports.text(self.replicator.state)))
            }
            while !Task.isCancelled {
                switch action {
                case .rest: break
                case .wait(let time):
                    guard (try? await Task.sleep(for: time)) != nil else { return }
                    action = machine.next(.waited)
                    continue
                case .post(let report, let base):
                    action = machine.next(await self.post(report, base, &said))
                    continue
                }
                break
            }
        }
    }

    private func post(_ report: OutgoingConfig, _ base: String?, _ said: inout String?) async -> ReportMachine.Input {
        do {
            try await self.connection.post(
                self.who.reportTarget(base: base), bytes: report.parts.flatMap(\.self), type: StreamMessage.contentType,
                atMost: .seconds(30))
            self.metrics.reported(report)
            said = nil
            return .taken
        } catch .refused(status: 409, _) {
            return .unknownBase
        } catch {
            if said != error.description {
                said = error.description
                self.logger.warning(
                    "Could not tell the global control plane about this zone; trying again", metadata: ["cause": "\(error)"])
            }
            return .failed
        }
    }
}
