import ConfigSync
import ControlPlaneAccess
import Foundation
import Logging
import Relay
import Routing
import Telemetry
import TestKit
import Testing

@testable import DataPlane

@Suite struct MetricsDocumentationTests {
    @Test("docs/metrics.md names every metric a proxy has, with its type and labels, and no other")
    func everyMetric() async throws {
        var printed: [String: String] = [:]
        let proxy = try StaticProxy()
        try proxy.folder.write("egress.yaml", "clusters: []")
        let address = ControlPlaneAddress(url: "https://127.0.0.1:1")
        for source in [ConfigSource.file(proxy.folder.path("egress.yaml")), .controlPlane(address)] {
            let options = DataPlaneOptions(proxyType: .egress, name: "egress", mesh: "", source: source)
            let dataPlane = try DataPlane(options: options, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            // Limits show where there are some.
            try dataPlane.engine.start()
            let cluster = Cluster(name: "limited", endpoints: [], maxConnections: 1)
            _ = await dataPlane.engine.apply(ProxyConfig(clusters: [cluster], maxConnections: 1))
            for family in dataPlane.registry.families() { printed[family.name] = family.kind.rawValue }
            await dataPlane.stop()
        }
        var documented: [String: String] = [:]
        for line in try String(contentsOfFile: Repository.root + "/docs/metrics.md", encoding: .utf8).split(separator: "\n")
        where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.filter { !$0.isWhitespace && $0 != "`" } }
            documented[cells[0]] = cells[1]
        }
        #expect(documented == printed)
    }

    @Test("a metric's labels are those of the page")
    func labels() async throws {
        var labels: [String: Set<String>] = [:]
        for line in try String(contentsOfFile: Repository.root + "/docs/metrics.md", encoding: .utf8).split(separator: "\n")
        where line.hasPrefix("| `") {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.filter { !$0.isWhitespace && $0 != "`" } }
            labels[cells[1]] = Set(cells[3].split(separator: ",").map(String.init))
        }
        let wanted = labels
        let proxy = try StaticProxy()
        let file = """
            trust: [{mesh: default, ca: ca.crt}]
            identities: [{mesh: default, certificate: zone-egress.crt, key: zone-egress.key}]
            listeners: [{name: egress, address: 127.0.0.1, port: 0, routes: [{sni: [a.test], passthrough: {cluster: none}}]}]
            clusters: [{name: none, endpoints: []}]
            """
        try await proxy.run(file) { egress in
            let port = try await egress.port(of: "egress")
            _ = try await Command.run("curl", ["-sk", "--connect-to", "::127.0.0.1:\(port)", "https://a.test/"])
            try await egress.process.line(containing: "reason=no_endpoint")
            for line in try await egress.get("/metrics").text.split(separator: "\n") where !line.hasPrefix("#") {
                let name = line.prefix { $0 != "{" && $0 != " " }
                let family =
                    ["_bucket", "_sum", "_count"].lazy.map { name.hasSuffix($0) ? String(name.dropLast($0.count)) : "" }
                    .first { wanted[$0] != nil } ?? String(name)
                let inside = line.contains("{") ? line.split(separator: "{")[1].prefix { $0 != "}" } : ""
                let found = Set(inside.split(separator: ",").map { String($0.prefix { $0 != "=" }) }).subtracting(["le"])
                #expect(wanted[family] == found, "\(line)")
            }
        }
    }
}
