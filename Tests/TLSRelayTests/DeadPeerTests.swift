import NIOCore
import Routing
import TLSRelay
import TestKit
import Testing

/// What the other engine's tests of the same name show, for connections whose TLS ends or begins here.
@Suite(.timeLimit(.minutes(1))) struct DeadPeerTests {
    private func door(_ endpoints: [Endpoint], _ change: (inout TLSRelayOptions) -> Void) -> FrontDoor {
        var options = TLSRelayOptions()
        change(&options)
        return FrontDoor(TLSCredentials(), .originate, to: Cluster(name: "c", endpoints: endpoints), options: options)
    }

    @Test("an upstream that loses its power is noticed by keepalive")
    func upstream() async throws {
        let upstream = try await Upstream { stream in
            try await stream.executeThenClose { inbound, outbound in
                for try await buffer in inbound {
                    try await outbound.write(buffer)
                    let options = stream.channel as! any SocketOptionProvider
                    let attachFilter = NIOBSDSocket.Option(rawValue: SocketProgram.option)
                    try await options.unsafeSetSocketOption(level: .socket, name: attachFilter, value: SocketProgram.takeNothing).get()
                }
            }
        }
        let door = self.door([Endpoint(address: "127.0.0.1", port: upstream.port)]) {
            $0.keepAliveInterval = .seconds(1)
            $0.peerTimeout = .seconds(2)
        }
        await #expect(throws: (any Error).self) { _ = try await connect(port: door.port).readToEnd(saying: [1]) }
        let outcome = await door.outcome()
        #expect(outcome.ending == .upstreamReset && outcome.bytesOut == 1)
        #expect(door.upstream.states[0].activeConnections == 0)
    }

    @Test("times longer than the clock can count are no times")
    func endlessTimes() async throws {
        let upstream = try await Upstream(echo)
        for forever in [Duration.seconds(1 << 50), .seconds(9_223_372_036) + .milliseconds(999)] {
            let door = self.door([Endpoint(address: "127.0.0.1", port: upstream.port)]) {
                $0.connectTimeout = forever
                $0.handshakeTimeout = forever
                $0.idleTimeout = forever
                $0.keepAliveInterval = forever
                $0.peerTimeout = .milliseconds(20)
            }
            #expect(try await connect(port: door.port).exchange([7]) == [7])
            #expect(await door.outcome().ending == .finished)
        }
    }

    @Test("an endpoint that doesn't answer is given up after the connect timeout, and another serves")
    func connectTimeout() async throws {
        let silent = SilentPort()
        let upstream = try await Upstream(echo)
        let both = self.door(
            [Endpoint(address: "127.0.0.1", port: silent.port), Endpoint(address: "127.0.0.1", port: upstream.port, priority: 1)]
        ) { $0.connectTimeout = .milliseconds(300) }
        #expect(try await connect(port: both.port).exchange([7]) == [7])
        let served = await both.outcome()
        #expect((Duration.milliseconds(300)..<Duration.seconds(5)).contains(try #require(served.connectDuration)))
        let alone = self.door([Endpoint(address: "127.0.0.1", port: silent.port)]) { $0.connectTimeout = .milliseconds(100) }
        _ = try? await connect(port: alone.port).readToEnd()
        #expect(await alone.outcome().verdict == .refused(.connectTimeout))
        withExtendedLifetime(silent) {}
    }
}
