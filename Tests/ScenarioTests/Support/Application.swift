import Synchronization
import TestKit

/// An application that speaks HTTP and, to those who begin with a digit, protocols in which one side ends its half first.
final class Application: Sendable {
    static let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    private let server: SocketServer
    private let heard: Heard

    private final class Heard: Sendable {
        let count = Mutex(0)
    }

    var port: UInt16 { self.server.port }
    /// How many bytes have come after it had ended its own half.
    var heardAfterwards: Int { self.heard.count.withLock { $0 } }

    /// - Parameter name: what it answers over HTTP.
    init(_ name: String, address: String = "127.0.0.1") throws {
        let heard = Heard()
        self.heard = heard
        self.server = try SocketServer(address: address) { socket in
            switch try socket.receive(exactly: 1).first {
            case UInt8(ascii: "1"):
                // The client ends first, and hears all of it again.
                let bytes = try socket.receiveToEnd()
                try socket.send(bytes)
            case UInt8(ascii: "2"):
                // The server ends first.
                try socket.send(Self.bytes)
                socket.shutdownWrite()
                while case let bytes = try socket.receive(), !bytes.isEmpty { heard.count.withLock { $0 += bytes.count } }
            case UInt8(ascii: "3"):
                while case let bytes = try socket.receive(), !bytes.isEmpty { try socket.send(bytes) }
            default:
                var request: [UInt8] = []
                while !request.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                    let part = try socket.receive()
                    if part.isEmpty { return }
                    request += part
                }
                let head = "HTTP/1.1 200 OK\r\nContent-Length: \(name.utf8.count)\r\nConnection: close\r\n\r\n"
                try socket.send(Array((head + name).utf8))
                socket.shutdownWrite()
                _ = try socket.receiveToEnd()
            }
        }
    }
}
