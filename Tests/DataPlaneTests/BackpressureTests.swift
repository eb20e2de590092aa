import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestKit
import Testing

/// Whoever does not read stops whoever writes, and costs the proxy no more than its buffers.
@Suite(.serialized, .timeLimit(.minutes(2))) struct BackpressureTests {
    private static let count = 60

    /// Sends until the peer is gone.
    private static func flood(_ socket: TestSocket) { while (try? socket.send([UInt8](repeating: 7, count: 1 << 18))) != nil {} }

    /// Waits until no more bytes move, and returns by how much the process has grown.
    private static func settled(_ proxy: WatchedProxy, _ direction: String, from before: Int) async throws -> (grown: Int, moved: Int) {
        var last = -1
        try await eventually("nothing moves any more", every: .milliseconds(300)) {
            let series = "egret_bytes_total{direction=\"\(direction)\"} "
            let line = try await proxy.get("/metrics").text.split(separator: "\n").first { $0.hasPrefix(series) }
            let now = line.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
            defer { last = now }
            return now > 0 && now == last ? true : nil
        }
        return (proxy.residentBytes - before, last)
    }

    @Test("a client that does not read", arguments: [false, true])
    func client(_ reversed: Bool) async throws {
        let isOver = Mutexed(false)
        let server = try SocketServer { socket in
            try socket.send(try socket.receive(exactly: EchoClient.hello.count))
            if !reversed { return Self.flood(socket) }
            while !isOver.withLock({ $0 }) { usleep(20_000) }
            socket.reset()
        }
        try await WatchedProxy.with(WatchedProxy.passthrough(to: server.port)) { proxy in
            let port = try await proxy.port()
            _ = try await onThread { try EchoClient.open(port) }
            let before = proxy.residentBytes
            let clients = try await onThread { try (0..<Self.count).map { _ in try EchoClient.open(port).socket } }
            if reversed { for client in clients { startThread { Self.flood(client) } } }
            let (grown, moved) = try await Self.settled(proxy, reversed ? "in" : "out", from: before)
            #expect(grown / Self.count < 32 << 10, "\(grown) bytes")
            print(
                "\(Self.count) stalled \(reversed ? "servers" : "clients"): \(grown / Self.count) resident bytes each, \(moved / Self.count) bytes passed on each"
            )
            for client in clients { client.reset() }
            // What a client said before its reset still goes to a server that reads; this one ends too.
            isOver.withLock { $0 = true }
            try await eventually("all are gone") { try await proxy.active() == 0 ? true : nil }
        }
    }

    @Test("a client of a terminated route that does not read", .disabled(if: Sanitizer.isOn, "a sanitizer keeps what was freed"))
    func terminated() async throws {
        let server = try SocketServer { Self.flood($0) }
        let pki = try StaticPKI()
        try await WatchedProxy.with(pki.terminating(to: server.port), folder: pki.folder) { proxy in
            let port = try await proxy.port()
            let context = try pki.clientContext()
            let before = proxy.residentBytes
            var clients: [any Channel] = []
            for _ in 0..<Self.count {
                let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            let handler = try NIOSSLClientHandler(context: context, serverHostname: "ext.test")
                            try channel.pipeline.syncOperations.addHandlers([handler, StopsReading()])
                        }
                    }
                    .connect(host: "127.0.0.1", port: Int(port)).get()
                clients.append(channel)
            }
            try await eventually("all are connected") { server.connections == Self.count ? true : nil }
            var last = -1
            try await eventually("it grows no more", every: .milliseconds(500)) {
                let now = proxy.residentBytes
                defer { last = now }
                return abs(now - last) < 1 << 16 ? true : nil
            }
            let grown = last - before
            #expect(grown / Self.count < 512 << 10, "\(grown) bytes")
            print("\(Self.count) stalled TLS clients: \(grown / Self.count) resident bytes each")
            for client in clients { client.close(promise: nil) }
            try await eventually("all are gone") { try await proxy.active() == 0 ? true : nil }
        }
    }
}

private final class Mutexed<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { self.value.withLock { body(&$0) } }
}

/// Reads until TLS is up, and then no more.
private final class StopsReading: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.channel.setOption(.autoRead, value: false).whenComplete { _ in }
    }
}
