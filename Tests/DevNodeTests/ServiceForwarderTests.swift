import JSONModel
import KubeAPI
import NIOCore
import NIOPosix
import Testing

@testable import DevNode

/// Each side has loopback addresses of its own, so that no stranger listens where nobody should.
@Suite(.timeLimit(.minutes(1)))
struct ServiceForwarderTests {
    private static let backend = "127.86.0.9"

    /// A server that sends its name, then returns what it gets, and closes when its client has finished sending.
    private func server(_ name: String) async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Echo(name: name))
                }
            }
            .bind(host: Self.backend, port: 0).get()
    }

    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        let name: String
        init(name: String) { self.name = name }
        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: self.name)), promise: nil)
        }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.writeAndFlush(data, promise: nil) }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard let event = event as? ChannelEvent, event == .inputClosed else { return }
            let channel = context.channel
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in channel.close(promise: nil) }
        }
    }

    /// Sends, ends its side, and reads to the end.
    private func ask(_ listener: ProxyTable.Listener, _ bytes: Int = 0) async throws -> ByteBuffer {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: listener.address, port: listener.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await channel.executeThenClose { input, output in
            if bytes > 0 { try await output.write(ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes)) }
            output.finish()
            var all = ByteBuffer()
            for try await var part in input { all.writeBuffer(&part) }
            return all
        }
    }

    private func freePort(_ address: String) async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: address, port: 0).get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        return port
    }

    private func table(_ listener: ProxyTable.Listener, _ ports: [Int]) -> ProxyTable {
        var service = KubeObject(.services, name: "s", namespace: "n")
        service.spec = ["clusterIP": JSON(listener.address), "ports": [["port": JSON(listener.port)]]]
        let slices = ports.enumerated().map { number, port in
            var slice = KubeObject(
                .endpointSlices, name: "s\(number)", namespace: "n", labels: [EndpointSlicePlan.serviceLabel: "s"])
            slice["addressType"] = "IPv4"
            slice["endpoints"] = [["addresses": [JSON(Self.backend)]]]
            slice["ports"] = [["port": JSON(port)]]
            return slice
        }
        return ProxyTable(services: [service], slices: slices)
    }

    @Test("connections go to ready endpoints in turn, past one that is gone, with every byte in both directions")
    func forwards() async throws {
        let address = "127.86.0.1"
        let listener = ProxyTable.Listener(address: address, port: try await self.freePort(address))
        let (first, second) = (try await self.server("A"), try await self.server("B"))
        let dead = try await self.freePort(Self.backend)
        let forwarder = ServiceForwarder()
        let ports = [first, second].compactMap { $0.localAddress?.port }
        #expect(await forwarder.apply(self.table(listener, ports + [dead])).isEmpty)
        var answers: [String: Int] = [:]
        for _ in 0..<9 {
            let answer = try await self.ask(listener, 3_000_000)
            #expect(answer.readableBytes == 3_000_001)
            answers[answer.getString(at: 0, length: 1) ?? "", default: 0] += 1
        }
        #expect(answers.keys.sorted() == ["A", "B"])
        #expect(answers.values.allSatisfy { $0 >= 3 })
        await forwarder.close()
        try await first.close()
        try await second.close()
    }

    @Test("without a ready endpoint a connection is closed, and a Service that goes takes its listener along")
    func refuses() async throws {
        let address = "127.86.0.2"
        let listener = ProxyTable.Listener(address: address, port: try await self.freePort(address))
        let forwarder = ServiceForwarder()
        #expect(await forwarder.apply(self.table(listener, [])).isEmpty)
        let answer = try? await self.ask(listener)
        #expect(answer?.readableBytes ?? 0 == 0)
        #expect(await forwarder.apply(ProxyTable()).isEmpty)
        await #expect(throws: (any Error).self) { try await self.ask(listener) }
    }

    @Test("a listener that cannot be opened is reported and the others serve")
    func reports() async throws {
        let forwarder = ServiceForwarder()
        let foreign = ProxyTable.Listener(address: "203.0.113.7", port: 80)
        #expect(await forwarder.apply(self.table(foreign, [])).keys.map(\.self) == [foreign])
    }
}
