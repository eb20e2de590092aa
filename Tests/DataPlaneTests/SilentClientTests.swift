import Foundation
import Synchronization
import TestKit
import Testing

/// Clients that connect and say nothing, or next to nothing, as slow-loris does.
@Suite(.serialized, .timeLimit(.minutes(2))) struct SilentClientTests {
    /// A thread's work, as it goes.
    private final class Working: Sendable {
        struct State {
            var served = 0
            var failed = 0
            var slowest = Duration.zero
            var isOver = false
        }

        private let state = Mutex(State())
        var now: State { self.state.withLock { $0 } }

        /// One request after the other, until `stop`.
        func start(_ port: UInt16) {
            startThread {
                while !self.now.isOver {
                    let start = ContinuousClock.now
                    let isServed = (try? EchoClient.open(port))?.answer == EchoClient.hello
                    let time = ContinuousClock.now - start
                    self.state.withLock { state in
                        if isServed { state.served += 1 } else { state.failed += 1 }
                        state.slowest = max(state.slowest, time)
                    }
                    usleep(2000)
                }
            }
        }

        func stop() -> State {
            self.state.withLock { state in
                state.isOver = true
                return state
            }
        }
    }

    /// Whether the slow ones go on.
    private final class Dribble: Sendable {
        private let state = Mutex(true)
        var goesOn: Bool { self.state.withLock { $0 } }
        func stop() { self.state.withLock { $0 = false } }
    }

    @Test("5,000 silent clients, a thousand of them one byte a second, cost a working one nothing and end at the hello's deadline")
    func crowd() async throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let count = min(5000, Int(limit.rlim_max) - 500)
        let server = try SocketServer.echo()
        try await WatchedProxy.with(WatchedProxy.passthrough(to: server.port)) { proxy in
            let port = try await proxy.port()
            let work = Working()
            work.start(port)
            try await eventually("the working client works") { work.now.served > 20 ? true : nil }
            let before = proxy.residentBytes
            let start = ContinuousClock.now
            let silent = try await onThread { try (0..<count).map { _ in try TestSocket.connect(port: port) } }
            let dribble = Dribble()
            startThread {
                for byte in EchoClient.hello.prefix(20) where dribble.goesOn {
                    for socket in silent.prefix(count / 5) { try? socket.send([byte]) }
                    sleep(1)
                }
            }
            try await eventually("all are there", every: .milliseconds(20)) { try await proxy.active() >= count ? true : nil }
            let perClient = (proxy.residentBytes - before) / count
            let beforeDeadline = work.now.served

            // The deadline is 5 s, the farewell takes the client's own time.
            try await eventually("all are refused", timeout: .seconds(20)) {
                try await proxy.refused("hello_timeout") == count ? true : nil
            }
            let ended = ContinuousClock.now - start
            let told = try await onThread { silent.count { (try? $0.receiveToEnd()) == EchoClient.alert } }
            #expect(told >= count * 4 / 5, "\(told)")
            dribble.stop()
            for socket in silent { socket.close() }
            try await eventually("all are gone", every: .milliseconds(20)) { try await proxy.active() < 10 ? true : nil }
            let all = work.stop()
            #expect(all.failed == 0 && beforeDeadline > 20 && all.served > beforeDeadline)
            #expect(all.slowest < .seconds(1), "\(all.slowest)")
            #expect(ended < .seconds(15), "\(ended)")
            print(
                "\(count) silent clients: \(perClient) resident bytes each, refused within \(ended); beside them \(all.served) served, slowest \(all.slowest)"
            )
        }
    }
}
