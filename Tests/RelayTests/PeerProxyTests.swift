import CLinux
import Foundation
import Glibc
import Routing
import TestKit
import Testing

@testable import Relay

/// The PROXY protocol as HAProxy and nginx speak it:
///
///     client ── HAProxy (send-proxy-v2) ── Egret ── HAProxy or nginx (accepts v2, sends v1) ── echo
@Suite(.enabled(if: Peers.has(Peers.haproxy) && Peers.has(Peers.nginx), "hack/setup fetches HAProxy and nginx"))
struct PeerProxyTests {
    private let hello = HelloBuilder(serverName: "a.test").records()

    private func exchange(_ port: UInt16, address: String, saying hello: [UInt8]) async throws -> (echoed: [UInt8], local: IPEndpoint) {
        try await eventually("an answer through port \(port)") {
            // The peers may not listen yet.
            try? await onThread {
                let client = try TestSocket.connect(port: port, address: address)
                var storage = sockaddr_storage()
                _ = cl_local_address(client.fd, &storage)
                try client.send(hello)
                // nginx takes the client's end for the end of both.
                var echoed: [UInt8] = []
                while echoed.suffix(hello.count) != hello[...] {
                    let part = try client.receive()
                    guard !part.isEmpty else { throw SocketError(number: ECONNRESET) }
                    echoed += part
                }
                return (echoed, IPEndpoint(storage))
            }
        }
    }

    private func run(
        front address: String, tellsDestination: Bool,
        back: (_ port: UInt16, _ echo: UInt16, _ folder: String) throws -> (program: String, arguments: [String])
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "egret-peers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try TestServer.echo()
        let (frontPort, backPort) = (try freePort(), try freePort())
        let behind = try back(backPort, server.port, folder.path)
        var config = ProxyConfig.passthrough(["a.test"], to: [Endpoint(address: "127.0.0.1", port: backPort)])
        config.listeners[0].proxyProtocol = .v2
        config.clusters[0].proxyProtocol = .v2
        let hello = self.hello
        try await EngineFixture.run(config) { (fixture) async throws in
            let front = """
                defaults
                    mode tcp
                    timeout connect 5s
                    timeout client 20s
                    timeout server 20s
                listen front
                    bind \(address.contains(":") ? "[\(address)]" : address):\(frontPort)
                    server egret 127.0.0.1:\(fixture.port) send-proxy-v2

                """
            try Data(front.utf8).write(to: folder.appending(path: "front.cfg"))
            let log = folder.appending(path: "log").path
            let environment = Peers.environment
            let (echoed, local) = try await BackgroundProcess.with(
                Peers.haproxy, ["-db", "-f", folder.appending(path: "front.cfg").path], logFile: log, environment: environment
            ) { _ in
                try await BackgroundProcess.with(behind.program, behind.arguments, logFile: log, environment: environment) { _ in
                    try await self.exchange(frontPort, address: address, saying: hello)
                }
            }
            let family = local.isIPv6 ? "TCP6" : "TCP4"
            let destination = tellsDestination ? (address, frontPort) : ("127.0.0.1", backPort)
            let line = "PROXY \(family) \(local.address) \(destination.0) \(local.port) \(destination.1)\r\n"
            #expect(String(decoding: echoed.prefix(line.utf8.count), as: UTF8.self) == line)
            #expect(Array(echoed.dropFirst(line.utf8.count)) == hello)
            #expect(try await fixture.record { $0.client == local }.verdict == .allowed)
        }
    }

    @Test("HAProxy's header is understood, and HAProxy understands ours", arguments: ["127.0.0.1", "::1"])
    func haproxy(address: String) async throws {
        try await self.run(front: address, tellsDestination: true) { port, echo, folder in
            let text = """
                defaults
                    mode tcp
                    timeout connect 5s
                    timeout client 20s
                    timeout server 20s
                listen back
                    bind 127.0.0.1:\(port) accept-proxy
                    server echo 127.0.0.1:\(echo) send-proxy

                """
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/back.cfg"))
            return (Peers.haproxy, ["-db", "-f", "\(folder)/back.cfg"])
        }
    }

    @Test("nginx understands who the client is in our header", arguments: ["127.0.0.1", "::1"])
    func nginx(address: String) async throws {
        try await self.run(front: address, tellsDestination: false) { port, echo, folder in
            let text = """
                load_module \(Peers.nginxModules)/ngx_stream_module.so;
                daemon off;
                pid \(folder)/nginx.pid;
                error_log stderr warn;
                worker_processes 1;
                events { }
                stream {
                    server {
                        listen 127.0.0.1:\(port) proxy_protocol;
                        set_real_ip_from 127.0.0.0/8;
                        proxy_pass 127.0.0.1:\(echo);
                        proxy_protocol on;
                    }
                }

                """
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/nginx.conf"))
            return (Peers.nginx, ["-p", folder, "-c", "\(folder)/nginx.conf", "-e", "stderr"])
        }
    }
}

/// A port that was free a moment ago, for programs that can't take one from the kernel and tell.
func freePort() throws -> UInt16 {
    let server = try TestServer { _ in }
    defer { server.stop() }
    return server.port
}
