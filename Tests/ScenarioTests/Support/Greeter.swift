import TestKit
import Testing

/// A workload that says who it is before it hears anything, and then answers with what it heard, to the end.
struct Greeter: Sendable {
    let server: SocketServer
    var port: UInt16 { self.server.port }

    init(_ name: String, address: String) throws {
        self.server = try SocketServer(address: address) { socket in
            try socket.send(Array("\(name) heard ".utf8))
            try socket.send(socket.receiveToEnd())
        }
    }

    /// What a caller hears who says a word and nothing more; nil where nobody answers.
    static func call(_ address: String, port: UInt16 = 10080, _ word: String = "ping") async throws -> String? {
        try await onThread {
            guard let socket = try? TestSocket.connect(port: port, address: address), (try? socket.send(Array(word.utf8))) != nil else {
                return nil
            }
            socket.shutdownWrite()
            let answer = (try? socket.receiveToEnd()) ?? []
            return answer.isEmpty ? nil : String(decoding: answer, as: UTF8.self)
        }
    }

    static func waitUntil(_ address: String, port: UInt16 = 10080, hears answer: String?) async throws {
        try await eventually("a caller of \(address):\(port) hears \(answer ?? "nothing")") {
            let heard = try await self.call(address, port: port)
            guard heard == answer else { throw Other(heard: heard) }
            return true
        }
    }

    private struct Other: Error { let heard: String? }
}
