import Foundation
import Synchronization
import TestKit
import Testing

/// An application that asks its proxy for the same page again and again, each time on a new connection, on some threads.
final class RequestLoad: Sendable {
    struct State {
        var served = 0
        /// What went wrong and when, as seconds since the start.
        var failures: [String] = []
        var isOver = false
    }

    private let state = Mutex(State())
    private let address: String
    private let port: UInt16
    private let network: NetworkNamespace?
    private let path: String
    private let expected: String
    private let start = ContinuousClock.now

    var now: State { self.state.withLock { $0 } }

    init(
        _ address: String, _ port: UInt16, path: String = "/", in network: NetworkNamespace? = nil,
        expecting: String = "hello from the outside world"
    ) {
        self.address = address
        self.port = port
        self.path = path
        self.network = network
        self.expected = expecting
    }

    func run(threads: Int) {
        for _ in 0..<threads {
            startThread {
                do { try self.network?.join() } catch { self.state.withLock { $0.failures.append("\(error)") } }
                while !self.now.isOver {
                    let failure = self.request()
                    self.state.withLock { state in
                        if let failure { state.failures.append(failure) } else { state.served += 1 }
                    }
                    usleep(UInt32.random(in: 2000...20_000))
                }
            }
        }
    }

    func stop() { self.state.withLock { $0.isOver = true } }

    /// Waits until so many more were served.
    func serves(_ count: Int) async throws {
        let before = self.now.served
        try await eventually("\(count) more requests are served", every: .milliseconds(20)) {
            self.now.served >= before + count ? true : nil
        }
    }

    private func request() -> String? {
        let problem: String
        do {
            let socket = try TestSocket.connect(port: self.port, address: self.address)
            try socket.send(Array("GET \(self.path) HTTP/1.1\r\nHost: httpbin.example\r\nConnection: close\r\n\r\n".utf8))
            let answer = String(decoding: try socket.receiveToEnd(), as: UTF8.self)
            if answer.hasPrefix("HTTP/1."), answer.dropFirst(8).hasPrefix(" 200 "), answer.contains(self.expected) { return nil }
            problem = "answer of \(answer.utf8.count) bytes: \(answer.prefix(60))"
        } catch {
            problem = "\(error)"
        }
        return "\(ContinuousClock.now - self.start): \(problem)"
    }
}
