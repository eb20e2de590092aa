import Foundation
import Glibc
import NIOCore
import NIOSSL
import Routing
import TLSRelay
import TestKit
import Testing

/// Bytes between two sockets: all of them, in order, no faster than the slower side.
@Suite(.timeLimit(.minutes(1))) struct GlueTests {
    private let pki: PKI
    private let credentials = TLSCredentials()
    private let tls: TLSConfiguration
    private let server: TLSConfiguration

    init() throws {
        self.pki = try PKI()
        let own = try self.pki.leaf("spiffe://default/zone-egress")
        #expect(self.credentials.setTrust([Trust(mesh: "default", ca: self.pki.ca)]).isEmpty)
        try self.credentials.setIdentity(mesh: "default", chainPEM: own.chain, keyPEM: own.key)
        self.tls = try .client(trusting: self.pki.ca, as: try self.pki.leaf("spiffe://default/web"))
        self.server = try .server(try self.pki.leaf(dns: ["api.example"]))
    }

    private func door(to upstream: Upstream, tls: Bool) -> FrontDoor {
        FrontDoor(
            self.credentials, .terminate(mesh: "default", callers: CallerRules(allow: ["spiffe://default/*"])),
            to: Cluster(
                name: "default:es", endpoints: [Endpoint(address: "127.0.0.1", port: upstream.port)],
                tls: tls ? .external(ExternalTLS(serverName: "api.example", ca: self.pki.ca)) : .none))
    }

    private static func bytes(_ count: Int) -> [UInt8] {
        var state: UInt64 = 88_172_645_463_325_252
        return (0..<count).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state)
        }
    }

    @Test("megabytes arrive whole when all of the question comes before any of the answer", arguments: [false, true])
    func halfClose(_ upstreamTLS: Bool) async throws {
        let question = Self.bytes(3_000_001)
        let answer = Array(Self.bytes(5_000_003).reversed())
        let upstream = try await Upstream(tls: upstreamTLS ? self.server : nil) { stream in
            try await stream.executeThenClose { inbound, outbound in
                var heard: [UInt8] = []
                for try await buffer in inbound { heard += buffer.readableBytesView }
                // Only the end of the question releases the answer: half-close has to come through.
                try await stream.channel.writeAndFlush(ByteBuffer(bytes: heard == question ? answer : [0])).get()
                outbound.finish()
            }
        }
        let door = self.door(to: upstream, tls: upstreamTLS)
        #expect(try await connect(port: door.port, tls: self.tls).exchange(question) == answer)
        let outcome = await door.outcome()
        #expect(outcome.ending == .finished)
        #expect(outcome.bytesIn == UInt64(question.count) && outcome.bytesOut == UInt64(answer.count))
    }

    @Test("an answer ends while the question goes on", arguments: [false, true])
    func upstreamEndsFirst(_ upstreamTLS: Bool) async throws {
        let heard = AsyncStream<[UInt8]>.makeStream()
        let upstream = try await Upstream(tls: upstreamTLS ? self.server : nil) { stream in
            try await stream.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: "done"))
                outbound.finish()
                heard.continuation.yield(try await inbound.reduce(into: [UInt8]()) { $0 += $1.readableBytesView })
            }
        }
        let door = self.door(to: upstream, tls: upstreamTLS)
        try await connect(port: door.port, tls: self.tls).executeThenClose { inbound, outbound in
            #expect(try await inbound.reduce(into: [UInt8]()) { $0 += $1.readableBytesView } == Array("done".utf8))
            try await outbound.write(ByteBuffer(string: "still here"))
            outbound.finish()
            for await all in heard.stream {
                #expect(all == Array("still here".utf8))
                break
            }
        }
        #expect(await door.outcome().bytesIn == 10)
    }

    @Test("a reader that stops stops the writer, and gets everything when it goes on")
    func backpressure() async throws {
        // More than the kernel buffers on two legs (some 10 MB at most).
        let part = Self.bytes(500_000)
        let answer = (0..<60).flatMap { _ in part }
        let sent = AsyncStream<Int>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let upstream = try await Upstream { stream in
            try await stream.executeThenClose { inbound, outbound in
                for start in stride(from: 0, to: answer.count, by: 50_000) {
                    try await outbound.write(ByteBuffer(bytes: answer[start..<(start + 50_000)]))
                    sent.continuation.yield(start)
                }
                outbound.finish()
                for try await _ in inbound {}
            }
        }
        let door = self.door(to: upstream, tls: false)
        try await connect(port: door.port, tls: self.tls).executeThenClose { inbound, outbound in
            var reading = inbound.makeAsyncIterator()
            var all = Array(try #require(try await reading.next()).readableBytesView)
            // Nobody reads now. The writer comes to rest long before its end: buffers on the way are bounded.
            let rested = await withTaskGroup(of: Int?.self) { group in
                group.addTask {
                    var last = 0
                    var steps = sent.stream.makeAsyncIterator()
                    while let step = await steps.next(), !Task.isCancelled { last = step }
                    return last
                }
                group.addTask {
                    try? await Task.sleep(for: .milliseconds(300))
                    return nil
                }
                var last = 0
                while let result = await group.next() {
                    if let result { last = result } else { group.cancelAll() }
                }
                return last
            }
            #expect(rested < answer.count - 50_000)
            while let buffer = try await reading.next() { all += buffer.readableBytesView }
            #expect(all == answer)
            outbound.finish()
        }
        #expect(await door.outcome().bytesOut == UInt64(answer.count))
    }

    @Test("a reset upstream is no proper end for the client")
    func upstreamReset() async throws {
        let upstream = try await Upstream { stream in
            try await stream.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: "half an ans"))
                var reading = inbound.makeAsyncIterator()
                _ = try await reading.next()
                // Closing with SO_LINGER 0 sends a reset.
                try await (stream.channel as! any SocketOptionProvider).setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
                try await stream.channel.close().get()
            }
        }
        let door = self.door(to: upstream, tls: false)
        await #expect(throws: (any Error).self) { try await connect(port: door.port, tls: self.tls).readToEnd(saying: [1]) }
        let outcome = await door.outcome()
        #expect(outcome.verdict == .allowed && outcome.ending == .upstreamReset)
        #expect(outcome.bytesOut == 11)
    }

    @Test("an idle connection is closed when its time is over")
    func idle() async throws {
        var options = TLSRelayOptions()
        options.idleTimeout = .milliseconds(50)
        let upstream = try await Upstream { stream in _ = try await stream.readToEnd() }
        let door = FrontDoor(
            self.credentials, .originate, to: Cluster(name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: upstream.port)]),
            options: options)
        #expect(try await connect(port: door.port).readToEnd().isEmpty)
        #expect(await door.outcome().ending == .idle)
    }

    @Test("a connection closed from outside ends on both sides")
    func closed() async throws {
        let upstream = try await Upstream(echo)
        let door = self.door(to: upstream, tls: false)
        try await connect(port: door.port, tls: self.tls).executeThenClose { inbound, outbound in
            var reading = inbound.makeAsyncIterator()
            try await outbound.write(ByteBuffer(string: "x"))
            #expect(try await reading.next() == ByteBuffer(string: "x"))
            #expect(door.relay.activeConnections == 1)
            door.relay.close(id: 1)
            #expect(try await reading.next() == nil)
        }
        let outcome = await door.outcome()
        #expect(outcome.verdict == .allowed && outcome.ending == .closed)
        #expect(door.relay.activeConnections == 0)
    }

    @Test("new rules end the connections of those they no longer permit, and no others")
    func recheck() async throws {
        let upstream = try await Upstream(echo)
        let door = self.door(to: upstream, tls: false)
        try await connect(port: door.port, tls: self.tls).executeThenClose { inbound, outbound in
            var reading = inbound.makeAsyncIterator()
            for (byte, rules) in [("x", CallerRules(allow: ["spiffe://default/web"])), ("y", CallerRules(allow: ["spiffe://default/api"]))]
            {
                try await outbound.write(ByteBuffer(string: byte))
                #expect(try await reading.next() == ByteBuffer(string: byte))
                door.relay.recheck(id: 1, callers: rules)
            }
            #expect(try await reading.next() == nil)
        }
        let outcome = await door.outcome()
        #expect(outcome.verdict == .allowed && outcome.ending == .revoked)
        #expect(outcome.bytesIn == 2)
    }

    @Test("a server that answers and stops listening is heard out, then its reset is passed on")
    func earlyAnswer() async throws {
        let server = try SocketServer { socket in
            _ = try socket.receive(exactly: 1)
            try socket.send(Array("too large".utf8))
            // With bytes unread, which is what makes it a reset.
            socket.close()
        }
        let door = FrontDoor(
            self.credentials, .terminate(mesh: "default", callers: CallerRules(allow: ["spiffe://default/*"])),
            to: Cluster(name: "default:es", endpoints: [Endpoint(address: "127.0.0.1", port: server.port)]))
        let heard = Mutexed<[UInt8]>([])
        await #expect(throws: (any Error).self) {
            try await connect(port: door.port, tls: self.tls).executeThenClose { inbound, outbound in
                async let writing: Void = {
                    for _ in 0..<400 { try await outbound.write(ByteBuffer(repeating: 7, count: 50_000)) }
                }()
                for try await part in inbound { heard.value += Array(part.readableBytesView) }
                try await writing
            }
        }
        let outcome = await door.outcome()
        #expect(outcome.verdict == .allowed && outcome.ending == .upstreamReset)
        #expect(outcome.bytesOut == 9)
        withExtendedLifetime(server) {}
    }
}
