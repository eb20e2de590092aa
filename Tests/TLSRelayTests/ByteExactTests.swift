import Glibc
import Routing
import TLSRelay
import TestKit
import Testing

/// What the other engine's tests of the same name show, through relays in a row: the first begins TLS, the last ends it. A
/// failure names the seed; `EGRET_TRANSFER_SEED=<n>` runs that one alone, and `EGRET_TRANSFER_COUNT=<n>` so many.
@Suite(
    "Byte by byte", .serialized, .timeLimit(.minutes(5)),
    .disabled(if: Sanitizer.isThread, "its threads would wait for ever in the runtime")) struct ByteExactTests
{
    /// Number 48, whose reset and the other end's end meet on the way, is as much a matter of chance as of its seed.
    private static let seeds = TransferRun.seeds(60) + Array(repeating: 48, count: 30)
    /// What the client says first, its script's number, and the server's answer: until then nobody has scripts.
    private static let preamble = (question: 2, answer: 1)

    private let pki: PKI
    private let credentials = TLSCredentials()
    private let own: PKI.Leaf

    init() throws {
        self.pki = try PKI()
        self.own = try self.pki.leaf("spiffe://default/zone-egress")
        #expect(self.credentials.setTrust([Trust(mesh: "default", ca: self.pki.ca)]).isEmpty)
        try self.credentials.setIdentity(mesh: "default", chainPEM: self.own.chain, keyPEM: self.own.key)
    }

    private func door(_ purpose: TLSConnection.Purpose, _ tls: UpstreamTLS, to port: UInt16) -> FrontDoor {
        FrontDoor(
            self.credentials, purpose,
            to: Cluster(name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: port)], tls: tls), options: TLSRelayOptions(threads: 2))
    }

    /// From the last to the first.
    private func chain(to port: UInt16, relays: Int) -> [FrontDoor] {
        let ends = TLSConnection.Purpose.terminate(mesh: "default", callers: CallerRules(allow: ["spiffe://default/*"]))
        var doors = [self.door(ends, .none, to: port)]
        // Between two TLS sides: what ends here begins again.
        let outside = UpstreamTLS.external(
            ExternalTLS(
                serverName: nil, ca: self.pki.ca, clientCertificate: ClientCertificate(certificate: self.own.chain, key: self.own.key),
                verify: .chain))
        for _ in 2..<relays { doors.append(self.door(ends, outside, to: UInt16(doors.last!.port))) }
        doors.append(
            self.door(
                .originate, .mesh(mesh: "default", sni: "es{mesh=default}", peer: "spiffe://default/zone-egress"),
                to: UInt16(doors.last!.port)))
        // Of all of them: what is not asked for is forgotten.
        #expect(self.credentials.prepare(doors.map(\.upstream.cluster)).isEmpty)
        return doors
    }

    @Test(
        "random conversations arrive byte by byte, end as they were ended, and leave no byte or connection behind", arguments: [2, 3])
    func random(relays: Int) async throws {
        let runs = Self.seeds.map { TransferRun(seed: $0) }
        let server = try SocketServer { socket in
            let number = try socket.receive(exactly: Self.preamble.question).reduce(0) { $0 << 8 | Int($1) }
            try socket.send([1])
            runs[number].startServer(socket)
        }
        let doors = self.chain(to: server.port, relays: relays)
        let port = UInt16(doors.last!.port)
        // Eight at a time.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, run) in runs.enumerated() {
                if number >= 8 { try await group.next() }
                group.addTask { try await Self.perform(run, number, port) }
            }
            try await group.waitForAll()
        }
        for run in runs {
            let isAsScripted = run.isAsScripted
            #expect(isAsScripted, "\(run.account)")
        }
        for door in doors { try await self.check(door, runs) }
        withExtendedLifetime(server) {}
    }

    private static func perform(_ run: TransferRun, _ number: Int, _ port: UInt16) async throws {
        try await onThread {
            let buffer = run.script.client.receiveBuffer
            let socket = try TestSocket.connect(port: port, receiveBuffer: buffer == 0 ? nil : buffer)
            try socket.send([UInt8(number >> 8), UInt8(number & 255)])
            guard try socket.receive(exactly: 1) == [1] else { throw SocketError(number: ECONNABORTED) }
            run.startClient(socket)
        }
        await run.waitUntilOver()
    }

    /// What a relay says of all these connections together: its outcomes have no names.
    private func check(_ door: FrontDoor, _ runs: [TransferRun]) async throws {
        var outcomes: [TLSOutcome] = []
        for await outcome in door.outcomes {
            outcomes.append(outcome)
            if outcomes.count == runs.count { break }
        }
        #expect(!outcomes.contains { $0.verdict != .allowed })
        let whole = runs.filter(\.isWhole)
        let finished = outcomes.filter { $0.ending == .finished }
        #expect(finished.count == whole.count)
        #expect(outcomes.count { $0.ending == .clientReset || $0.ending == .upstreamReset } == runs.count - whole.count)
        #expect(
            finished.reduce(0) { $0 + $1.bytesIn }
                == whole.reduce(0) { $0 + UInt64($1.script.client.total + Self.preamble.question) })
        #expect(
            finished.reduce(0) { $0 + $1.bytesOut }
                == whole.reduce(0) { $0 + UInt64($1.script.server.total + Self.preamble.answer) })
        #expect(door.relay.activeConnections == 0)
        #expect(door.upstream.states.allSatisfy { $0.activeConnections == 0 })
        await door.relay.shutdown()
    }
}
