import ConfigSync
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

    /// Lines of one stream, as they come.
    private struct Lines {
        var chunks: HTTPBody.AsyncIterator
        var framer = LineFramer()
        var ready: ArraySlice<[UInt8]> = []

        mutating func next(_ assembler: inout ConfigAssembler) async -> SessionMachine.Input {
            do {
                while true {
                    while let line = self.ready.popFirst() {
                        if let message = try assembler.received(line) { return .received(message) }
                    }
                    guard let chunk = try await self.chunks.next() else { return .ended }
                    self.ready = try self.framer.received(chunk)[...]
                }
            } catch let error as TransportError {
                return error.code == .timedOut ? .silent : .failed(error.message)
            } catch let error as InvalidMessage {
                return .nonsense(error.description)
            } catch {
                return .nonsense("\(error)")
            }
        }
    }

    /// Until cancelled.
    func run() async {
        var machine = SessionMachine(have: self.restored?.hash)
        var assembler = ConfigAssembler(current: self.restored)
        var generator = SystemRandomNumberGenerator()
        var action = machine.start
        var lines: Lines?
        var acknowledged: Acknowledgement?
        if let restored = self.restored { await self.restore(restored) }
        while !Task.isCancelled {
            let input: SessionMachine.Input
            switch action {
            case .connect(let have):
                do {
                    try await self.client.register()
                    lines = Lines(chunks: try await self.client.openStream(have: have).body.makeAsyncIterator())
                    assembler.begin()
                    self.connected.set(1)
                    self.logger.info("Connected to the control plane", metadata: ["cp.address": "\(self.client.address.url)"])
                    input = .opened
                } catch .refused(let status, let detail) {
                    input = .refused(status: status, detail: detail)
                } catch {
                    input = .failed(error.description)
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
                input = await self.pause(time)
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
            errors: self.applier.errors)
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

    /// Waits, but not longer than until the token or the CA changes.
    private func pause(_ time: Duration) async -> SessionMachine.Input {
        let before = self.credentials
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {
            do {
                try await Task.sleep(for: min(.seconds(1), ContinuousClock.now.duration(to: end)))
            } catch {
                return .waited
            }
            if self.credentials != before { return .credentialsChanged }
        }
        return .waited
    }

    private var credentials: [String?] {
        let address = self.client.address
        return [try? address.token?.read("token"), try? address.ca?.read("CA")]
    }
}
