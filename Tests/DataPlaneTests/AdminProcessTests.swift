import Foundation
import Glibc
import Identity
import JSONModel
import TestKit
import Testing

/// A real proxy's admin pages, over HTTP.
@Suite(.serialized, .timeLimit(.minutes(2))) struct AdminProcessTests {
    private static let file = """
        trust: [{mesh: default, ca: ca.crt}]
        identities: [{mesh: default, certificate: zone-egress.crt, key: zone-egress.key}]
        listeners:
          - {name: egress, address: 127.0.0.1, port: 0, routes: [{sni: [a.test], terminate: {mesh: default, allow: [], cluster: ext}}]}
        clusters:
          - name: ext
            endpoints: [{address: 127.0.0.1, port: 9}]
            tls: {serverName: a.test, ca: ca.crt, certificate: zone-egress.crt, key: zone-egress.key}
        """

    /// Status and headers and body of a request, as curl shows them.
    private func curl(_ proxy: ProxyProcess, _ path: String, _ arguments: String...) async throws -> String {
        try await Command.output("curl", ["-si", "--max-time", "5", proxy.admin + path] + arguments)
    }

    @Test("each page says what it is for, and none has a key")
    func pages() async throws {
        let proxy = try StaticProxy()
        try await proxy.run(Self.file) { egress in
            let certificates = try JSON(parsing: try await egress.get("/certs").text)
            let leaf = try #require(certificates["identities"]?[0]?["chain"]?[0])
            #expect(leaf["spiffeId"] == "spiffe://default/zone-egress")
            let openssl = try await Command.output(
                "openssl", ["x509", "-in", proxy.folder.path("zone-egress.crt"), "-noout", "-fingerprint", "-sha256", "-serial"])
            #expect(openssl.contains("ingerprint=\(leaf["sha256"]?.string ?? "")\n"))
            let serial = leaf["serial"]?.string?.replacingOccurrences(of: ":", with: "") ?? ""
            #expect(openssl.contains("serial=\(serial)\n") || openssl.contains("serial=\(serial.drop { $0 == "0" })\n"))
            #expect(certificates["trust"]?[0]?["certificates"]?[0]?["subject"]?.string?.contains("CN=") == true)
            #expect(certificates["clusters"]?[0]?["cluster"] == "ext" && certificates["clusters"]?[0]?["clientCertificate"]?[0] == leaf)

            let connections = try JSON(parsing: try await egress.get("/connections").text)
            #expect(connections == ["total": 0, "connections": []])
            #expect(try await egress.get("/connections?limit=x").status == 400)
            let clusters = try JSON(parsing: try await egress.get("/clusters").text)
            #expect(clusters[0]?["active"] == 0 && clusters[0]?["maxConnections"] == nil)
            #expect(clusters[0]?["name"] == "ext" && clusters[0]?["endpoints"]?[0]?["resolved"] == ["127.0.0.1"])

            let index = try await self.curl(egress, "/")
            let key = try String(contentsOfFile: proxy.folder.path("zone-egress.key"), encoding: .utf8).split(separator: "\n")[1]
            for page in [
                "/ready", "/live", "/metrics", "/stats/prometheus", "/config", "/connections", "/clusters", "/certs", "/logging", "/drain",
            ] {
                let answer = try await egress.get(page)
                #expect(answer.status == 200)
                #expect(!answer.text.contains(key) && !answer.text.contains("PRIVATE KEY"))
                #expect(index.contains("href=\"\(page)\""))
            }
            #expect(index.contains("content-type: text/html") && index.contains("content-security-policy: default-src 'none'"))
            #expect(try await egress.get("/config").text.contains("(not shown)"))
        }
    }

    @Test("wrong methods, bodies and hosts are answered, and slow or broken clients disturb nobody")
    func oddRequests() async throws {
        let proxy = try StaticProxy()
        try await proxy.run(Self.file) { egress in
            let head = try await self.curl(egress, "/metrics", "-I")
            #expect(head.hasPrefix("HTTP/1.1 200") && !head.contains("# HELP"))
            let post = try await self.curl(egress, "/config", "-X", "POST")
            #expect(post.hasPrefix("HTTP/1.1 405") && post.contains("allow: GET, HEAD\r\n"))
            #expect(try await self.curl(egress, "/drain", "-X", "DELETE").contains("allow: GET, HEAD, POST, PUT\r\n"))
            #expect(try await self.curl(egress, "/nothing").hasPrefix("HTTP/1.1 404"))
            #expect(try await self.curl(egress, "/config", "-H", "Host: evil.test").hasPrefix("HTTP/1.1 403"))
            #expect(try await self.curl(egress, "/drain", "-X", "POST", "-H", "Origin: http://evil.test").hasPrefix("HTTP/1.1 403"))
            // A probe may use a name.
            #expect(try await self.curl(egress, "/ready", "-H", "Host: egress.example").hasPrefix("HTTP/1.1 200"))

            let large = proxy.folder.path("large")
            try proxy.folder.write("large", String(repeating: "x", count: 100_000))
            #expect(
                try await self.curl(egress, "/logging?level=debug", "-H", "Expect:", "--data-binary", "@\(large)").hasPrefix("HTTP/1.1 413")
            )
            // A header this long is refused; whether the client reads the answer before the close is a race.
            _ = try await Command.run("curl", ["-s", "--max-time", "5", "-H", "X: \(String(repeating: "x", count: 90_000))", egress.admin])
            // Most say half a request and wait, one in four is garbage and closed for it.
            let beginnings = ["GET /ready HT", "", "\u{16}\u{3}\u{1}\u{0}", "GET / HTTP/1.1\r\nX"]
            let port = UInt16(egress.admin.split(separator: ":").last ?? "") ?? 0
            let held = (0..<400).map { Self.connect(port, saying: beginnings[$0 % 4]) }
            var byte: UInt8 = 0
            #expect(recv(held[399], &byte, 1, 0) <= 0, "more connections than anybody needs are closed")
            for socket in held { close(socket) }
            try await eventually("the page answers again") { try await egress.get("/ready").status == 200 ? true : nil }
        }
    }

    private static func connect(_ port: UInt16, saying text: String) -> Int32 {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var time = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        _ = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        _ = text.withCString { send(fd, $0, text.utf8.count, Int32(MSG_NOSIGNAL)) }
        return fd
    }

    private func level(_ proxy: ProxyProcess) async throws -> String? {
        try JSON(parsing: try await proxy.get("/logging").text)["level"]?.string
    }

    @Test("the log level changes while the proxy runs")
    func logging() async throws {
        let proxy = try StaticProxy()
        try await proxy.run(Self.file) { egress in
            #expect(try await self.level(egress) == "info")
            #expect(try await self.curl(egress, "/logging?level=loud", "-X", "POST").contains("one of trace, debug"))
            #expect(try await self.curl(egress, "/logging?level=error", "-X", "POST").hasPrefix("HTTP/1.1 200"))
            #expect(try await self.level(egress) == "error")
            #expect(try await self.curl(egress, "/logging?level=info", "-X", "PUT").hasPrefix("HTTP/1.1 200"))
            let line = try await egress.process.line(containing: "Log level changed by the admin server")
            #expect(line.contains("log.level=info"))
        }
    }

    @Test("POST /drain withdraws readiness and stops the proxy in order")
    func drain() async throws {
        let proxy = try StaticProxy()
        try await proxy.run(Self.file) { egress in
            #expect(try await self.curl(egress, "/drain", "-X", "POST").hasPrefix("HTTP/1.1 202"))
            let line = try await egress.process.line(containing: "Terminating: not ready any more")
            #expect(line.contains("why=\"POST /drain\""))
            egress.process.send(SIGTERM)
            try await egress.process.line(containing: "Drained: every connection ended by itself")
            try await egress.process.line(containing: "INFO  Stopped")
            #expect(!egress.process.log.contains("Stopping at once"))
        }
    }

    private func status(_ url: String) async throws -> String {
        try await Command.output("curl", ["-s", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}", url])
    }

    @Test("an address beyond loopback shows readiness and metrics only")
    func outside() async throws {
        // An address of this machine that is not loopback, if it has one.
        let addresses = try await Command.run("hostname", ["-I"]).output.split(whereSeparator: \.isWhitespace).map(String.init)
        guard let own = addresses.first(where: { $0.split(separator: ".").count == 4 && !$0.hasPrefix("127.") }) else { return }
        let proxy = try StaticProxy()
        try await proxy.run("admin: {address: 0.0.0.0}\n" + Self.file) { egress in
            let port = egress.admin.split(separator: ":").last ?? ""
            for page in ["/", "/ready", "/live", "/metrics", "/stats/prometheus"] {
                let status = try await self.status("http://\(own):\(port)\(page)")
                #expect(status == "200")
            }
            for page in ["/config", "/connections", "/clusters", "/certs", "/logging", "/drain"] {
                let (outside, inside) = (
                    try await self.status("http://\(own):\(port)\(page)"), try await self.status("http://127.0.0.1:\(port)\(page)")
                )
                #expect(outside == "404" && inside == "200")
            }
        }
    }

    @Test("promtool, where it is installed, finds nothing wrong with the metrics")
    func promtool() async throws {
        guard try await Command.run("sh", ["-c", "command -v promtool"]).status == 0 else { return }
        let proxy = try StaticProxy()
        try await proxy.run(Self.file) { egress in
            let result = try await Command.run("promtool", ["check", "metrics"], input: try await egress.get("/metrics").text + "\n")
            #expect(result.status == 0, "\(result)")
        }
    }
}
