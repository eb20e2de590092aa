import ConfigSync
import ControlPlaneAccess
import CurlTransport
import FoundationEssentials
import Logging
import Routing
import Telemetry

/// Follows the control plane: performs what `SessionMachine` decides, and acknowledges.
struct ConfigSession: Sendable {
    let client: ControlPlaneClient
    let applier: ConfigApplier
    let logger: Logger
    let connected: Gauge

    /// The page that the control plane asks for, as text.
    var page: @Sendable (Question.Page) async -> String = { _ in "" }

    /// What this process had before it was restarted, which the control plane need not send again.
    var restored: ConfigText?

    /// Until cancelled.
    func run() async {
        var machine = SessionMachine(have: self.restored?.hash)
        var assembler = ConfigAssembler(current: self.restored)
        var generator = SystemRandomNumberGenerator()
        var action = machine.start
        var lines: StreamLines?
        var acknowledged: Acknowledgement?
        if let restored = self.restored { await self.restore(restored) }
        while !Task.isCancelled {
            // At least with each ping, or with each attempt to connect.
            await self.applier.letGo()
            let input: SessionMachine.Input
            switch action {
            case .connect(let have):
                do {
                    try await self.client.register()
                    lines = StreamLines(try await self.client.openStream(have: have).body)
                    assembler.begin()
                    self.connected.set(1)
                    self.logger.info("Connected to the control plane", metadata: ["cp.address": "\(self.client.address.url)"])
                    input = .opened
                } catch {
                    input = error.input
                }
            case .listen:
                await self.acknowledge(&acknowledged)
                input = await lines?.next(&assembler) ?? .ended
            case .apply(let update):
                await self.applier.apply(update)
                await self.acknowledge(&acknowledged)
                input = await lines?.next(&assembler) ?? .ended
            case .wait(let time, let setback):
                lines = nil
                // Whoever takes the stream over may not know what we said to the one before.
                acknowledged = nil
                self.connected.set(0)
                if Task.isCancelled { return }
                self.report(setback, time)
                input = await SessionMachine.pause(time, credentialsOf: self.client.address)
            }
            if case .received(.question(let question)) = input { await self.answer(question) }
            action = machine.next(input, using: &generator)
        }
    }

    /// Serves what served before the restart. A control plane that is there signs certificates at once; one that is away is not
    /// waited for.
    private func restore(_ text: ConfigText) async {
        do {
            try await self.client.register(atMost: .seconds(2))
        } catch {
            // The stream will tell.
            self.logger.debug("Could not register yet", metadata: ["cause": "\(error)"])
        }
        await self.applier.restore(text)
        let errors = self.applier.errors
        self.logger.info(
            "Serving the configuration of before the restart",
            metadata: ["config.hash": "\(text.hash.prefix(12))", "items": "\(text.itemCount)", "errors": "\(errors.count)"])
        let missing = errors.filter { $0.item.hasPrefix("identity ") }
        guard let first = missing.first else { return }
        self.logger.warning(
            "Without its certificates this proxy passes TLS through and refuses what it would have to end",
            metadata: [
                "until": "the control plane answers", "reason": "\(first)",
                "next":
                    "run with --save-keys, and a --state-dir that only this proxy can read, if it has to serve everything after a restart",
            ])
    }

    private func answer(_ question: Question) async {
        do {
            try await self.client.answer(question, await self.page(question.page))
        } catch {
            self.logger.debug("Could not answer the control plane", metadata: ["page": "\(question.page.rawValue)", "cause": "\(error)"])
        }
    }

    /// Says what became of the snapshot, again whenever that changes; a failed attempt is repeated with the next message.
    private func acknowledge(_ acknowledged: inout Acknowledgement?) async {
        guard let applied = self.applier.applied else { return }
        let now = Acknowledgement(
            proxyType: self.client.options.proxyType, proxy: self.client.options.name, mesh: self.client.options.mesh, hash: applied.hash,
            errors: self.applier.errors, authorities: self.applier.authorities)
        guard now != acknowledged else { return }
        do {
            try await self.client.acknowledge(now)
            acknowledged = now
        } catch {
            self.logger.debug("Could not acknowledge; trying again with the next message", metadata: ["cause": "\(error)"])
        }
    }

    private func report(_ setback: SessionMachine.Setback, _ time: Duration) {
        let seconds = Int(time.components.seconds)
        let serving = self.applier.applied == nil ? "nothing is served yet" : "serving goes on with the last configuration"
        let metadata: Logger.Metadata = [
            "cause": "\(setback.sentence)", "meanwhile": "\(serving)", "retry.seconds": "\(max(1, seconds))",
            "cp.address": "\(self.client.address.url)",
        ]
        switch setback.kind {
        case .ended: self.logger.info("The control plane closed the stream; connecting again", metadata: metadata)
        case .refused: self.logger.warning("The control plane refuses this proxy", metadata: metadata)
        case .unreachable: self.logger.warning("No connection to the control plane", metadata: metadata)
        }
    }
}
