import Foundation
import Glibc

/// A script at work: both of its ends, and whether they saw what they had to.
package struct TransferRun: Sendable {
    package let script: TransferScript
    private let forward = Flow()
    private let backward = Flow()
    private let ways: AsyncStream<Void>
    private let wayEnded: AsyncStream<Void>.Continuation

    package init(seed: UInt64) {
        self.script = TransferScript(seed: seed)
        (self.ways, self.wayEnded) = AsyncStream.makeStream()
    }

    /// `EGRET_TRANSFER_SEED=<n>` names a single seed, `EGRET_TRANSFER_COUNT=<n>` how many there are.
    package static func seeds(_ usual: UInt64) -> [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["EGRET_TRANSFER_SEED"].flatMap(UInt64.init) { return [seed] }
        return Array(1...(environment["EGRET_TRANSFER_COUNT"].flatMap(UInt64.init) ?? usual))
    }

    private var up: ByteStream { ByteStream(seed: self.script.seed &* 2) }
    private var down: ByteStream { ByteStream(seed: self.script.seed &* 2 &+ 1) }

    package func startClient(_ socket: TestSocket) {
        ScriptedEnd(socket: socket, script: self.script.client, outgoing: (self.forward, self.up), incoming: (self.backward, self.down)) {
            self.wayEnded.yield()
        }.start()
    }

    package func startServer(_ socket: TestSocket) {
        if self.script.server.receiveBuffer > 0 {
            var size = self.script.server.receiveBuffer
            setsockopt(socket.fd, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        ScriptedEnd(socket: socket, script: self.script.server, outgoing: (self.backward, self.down), incoming: (self.forward, self.up)) {
            self.wayEnded.yield()
        }.start()
    }

    /// Both ways at both ends.
    package func waitUntilOver() async {
        var left = 4
        for await _ in self.ways {
            left -= 1
            if left == 0 { return }
        }
    }

    /// Neither end resets: each says all it has to say.
    package var isWhole: Bool {
        if case .reset = self.script.client.ending { return false }
        if case .reset = self.script.server.ending { return false }
        return true
    }

    package var account: String {
        "seed \(self.script.seed): \(self.script.client.ending), \(self.script.server.ending), up \(self.forward.outcome), down \(self.backward.outcome)"
    }

    /// Whether one end was told of a reset, by its reads or its writes: the kernel tells once.
    private static func isReset(reading: Flow.Outcome, writing: Flow.Outcome) -> Bool {
        reading.end == .failed(ECONNRESET) || writing.writeError == ECONNRESET
    }

    /// Whether both ends saw what they had to: every byte and a proper end, or right bytes as far as they came and a reset, because
    /// what was cut off must not look complete.
    package var isAsScripted: Bool {
        let (client, server) = (self.script.client, self.script.server)
        let (up, down) = (self.forward.outcome, self.backward.outcome)
        for outcome in [up, down] { if case .wrong = outcome.end { return false } }
        guard up.received <= client.total && down.received <= server.total else { return false }
        switch (client.ending, server.ending) {
        case (.reset, _): return Self.isReset(reading: up, writing: down)
        case (_, .reset): return Self.isReset(reading: down, writing: up)
        default:
            return up == Flow.Outcome(received: client.total, end: .closed) && down == Flow.Outcome(received: server.total, end: .closed)
        }
    }
}
