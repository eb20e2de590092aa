import Foundation
import NIOCore
import TestKit
import Testing

/// A file that changes under open connections.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ReloadProcessTests {
    @Test("a bad file is refused, said and survived: the last good one serves, and the next good one is taken")
    func badFile() async throws {
        let server = try SocketServer.echo()
        let good = WatchedProxy.passthrough(to: server.port)
        try await WatchedProxy.with(good) { proxy in
            let port = try await proxy.port()
            let (open, _) = try await onThread { try EchoClient.open(port) }
            let bad = ["listeners: [", "listeners: 5\n", "", "\u{0}\u{1}\u{2}", String(repeating: "[", count: 100_000), "a: &a [*a]\n"]
            for text in bad {
                try text.write(toFile: proxy.file, atomically: true, encoding: .utf8)
                let before = proxy.process.log.components(separatedBy: "is refused; the last good one").count
                kill(proxy.pid, SIGHUP)
                try await eventually("the file is refused") {
                    proxy.process.log.components(separatedBy: "is refused; the last good one").count > before ? true : nil
                }
                #expect(try await onThread { EchoClient.isServed(open) })
                #expect(try await onThread { try EchoClient.open(port).answer == EchoClient.hello })
                #expect(try await proxy.get("/ready").status == 200)
            }
            try FileManager.default.removeItem(atPath: proxy.file)
            kill(proxy.pid, SIGHUP)
            #expect(try await onThread { try EchoClient.open(port).answer == EchoClient.hello })
            try good.replacingOccurrences(of: "sni: [\"*\"]", with: "sni: [\"b.test\"]")
                .write(toFile: proxy.file, atomically: true, encoding: .utf8)
            kill(proxy.pid, SIGHUP)
            try await eventually("the good file serves") {
                try await onThread { try EchoClient.open(port).answer == EchoClient.alert } ? true : nil
            }
            #expect(try await onThread { EchoClient.isServed(open) })
        }
    }

    @Test("`removedRoutes: cut` ends passed-through and terminated connections whose route or permission is gone")
    func cut() async throws {
        let server = try SocketServer.echo()
        let pki = try StaticPKI()
        let config = { @Sendable (allow: String, names: String) in
            pki.terminating(to: server.port, allow: allow, more: "removedRoutes: cut")
                .replacingOccurrences(of: "sni: [\"*\"]", with: "sni: [\"\(names)\"]")
        }
        try await WatchedProxy.with(config("spiffe://default/*", "*"), folder: pki.folder) { proxy in
            let port = try await proxy.port()
            let (open, _) = try await onThread { try EchoClient.open(port) }
            let context = try pki.clientContext()
            let change = { @Sendable (text: String) in
                try text.write(toFile: proxy.file, atomically: true, encoding: .utf8)
                kill(proxy.pid, SIGHUP)
            }
            try await TLSClient.with(context, port) { reading, outbound in
                try await outbound.write(ByteBuffer(string: "x"))
                #expect(try await reading.next() == ByteBuffer(string: "x"))
                // The one loses its route, the other one keeps both.
                try change(config("spiffe://default/web", "b.test"))
                #expect(try await onThread { try open.receiveToEnd() }.isEmpty)
                try await outbound.write(ByteBuffer(string: "y"))
                #expect(try await reading.next() == ByteBuffer(string: "y"))
                // Now it loses its permission.
                try change(config("spiffe://default/other", "b.test"))
                #expect(try await reading.next() == nil)
            }
            try await eventually("both are recorded") {
                proxy.process.log.split(separator: "\n").count { $0.contains("close.reason=route_removed") } == 2 ? true : nil
            }
        }
    }
}
