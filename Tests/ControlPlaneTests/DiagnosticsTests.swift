import ControlPlane
import CurlTransport
import Logging
import ServiceLifecycle
import Telemetry
import Testing

struct DiagnosticsTests {
    @Test("Ready means: definitions are ours, caches are filled, a plan is made, proxies can connect; probes and scrapes answer")
    func endpoints() async throws {
        let readiness = Readiness()
        let registry = MetricsRegistry()
        registry.counter("egret_test_total", help: "A test.").add()
        let (ports, listening) = AsyncStream<Int>.makeStream()
        let server = DiagnosticsServer(
            address: .init(host: "127.0.0.1", port: 0), readiness: readiness, registry: registry, logger: Logger(label: "test")
        ) { listening.yield($0) }
        let group = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: Logger(label: "quiet")))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let transport = CurlTransport()
            func get(_ path: String) async throws -> HTTPResponse {
                try await transport.send(HTTPRequest("GET", "http://127.0.0.1:\(port)\(path)", proxy: .none))
            }
            for path in ["/healthz", "/healthy"] { #expect(try await get(path).status == 200) }
            for path in ["/readyz", "/ready"] {
                let answer = try await get(path)
                #expect(answer.status == 503)
                #expect(answer.text.contains("[-]caches failed: the caches are not filled yet\n"))
            }
            for check in Readiness.Check.allCases { readiness.set(check, nil) }
            #expect(try await get("/readyz").text == "ok\n")
            #expect(
                try await get("/readyz?verbose").text
                    == "[+]definitions ok\n[+]caches ok\n[+]plan ok\n[+]proxy-server ok\nreadyz check passed\n")
            let metrics = try await get("/metrics")
            #expect(metrics.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            #expect(metrics.text.contains("egret_test_total 1\n"))
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
