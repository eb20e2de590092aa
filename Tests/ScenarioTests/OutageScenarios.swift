import Foundation
import TestKit
import Testing

/// Without Kubernetes, where the control plane is one process that a test can kill.
@Suite("Outage", .serialized, .timeLimit(.minutes(3)))
struct OutageScenarios {
    /// What a proxy says about its control plane, one line per attempt to reach it.
    private struct Attempts {
        /// `retry.seconds` of each.
        let waits: [Int]

        init(_ proxy: BackgroundProcess) {
            self.waits = proxy.log.split(separator: "\n").filter { $0.contains("retry.seconds=") }.compactMap { line in
                Int(line.components(separatedBy: "retry.seconds=")[1].prefix { $0.isNumber })
            }
        }
    }

    private static func openFiles(_ proxy: BackgroundProcess) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(proxy.pid)/fd").count
    }

    private static func residentKiB(_ proxy: BackgroundProcess) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(proxy.pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return Int(line.filter(\.isNumber)) ?? 0
    }

    @Test(
        "A control plane is killed and stays away: traffic flows on, its proxies try ever more rarely, say so once each time and don't grow; then changes arrive"
    )
    func killed() async throws {
        try await UniversalZone.with { zone, first in
            let url = "http://\(zone.outbound):10080/"
            try await HTTPSServer.with(directory: zone.folder, address: "\(zone.net).9") { server in
                for text in [Self.mesh, Self.externalService(server), Self.permission] { try await zone.apply(text) }
                try await zone.withEgress { egress in
                    try await zone.withDataplane("web", outbounds: ["port: 10080, tags: {kuma.io/service: httpbin}"]) { workload in
                        try await Caller.waitUntilPasses(url)
                        try await Self.outage(zone, first, [egress, workload])
                        try await zone.withControlPlane { _ in
                            try await zone.egretctl("delete", "meshtrafficpermission", "web-to-httpbin")
                            try await Caller.waitUntilFails(url)
                            try await zone.apply(Self.permission)
                            try await Caller.waitUntilPasses(url)
                        }
                    }
                }
            }
        }
    }

    private static let mesh =
        "{type: Mesh, name: default, mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}, routing: {zoneEgress: true}}\n"

    private static let permission =
        "{type: MeshTrafficPermission, mesh: default, name: web-to-httpbin, spec: {targetRef: {kind: MeshService, name: httpbin}, from: [{targetRef: {kind: MeshService, name: web}, default: {action: Allow}}]}}\n"

    private static func externalService(_ server: HTTPSServer) -> String {
        """
        type: ExternalService
        mesh: default
        name: httpbin
        tags: {kuma.io/service: httpbin, kuma.io/protocol: tcp}
        networking:
          address: \(server.address)
          tls:
            enabled: true
            serverName: httpbin.example
            caCert:
              inlineString: |
        \(server.certificate.split(separator: "\n").map { "        \($0)" }.joined(separator: "\n"))

        """
    }

    private static func outage(_ zone: UniversalZone, _ controlPlane: BackgroundProcess, _ proxies: [BackgroundProcess]) async throws {
        let load = RequestLoad(zone.outbound, 10080)
        load.run(threads: 1)
        defer { load.stop() }
        try await load.serves(20)
        controlPlane.send(SIGKILL)

        // Each notices at once; from the second attempt on the load and the attempts go their even ways.
        try await Self.wait(for: 2, of: proxies)
        let before = try proxies.map { (files: try Self.openFiles($0), memory: try Self.residentKiB($0)) }
        try await Self.wait(for: 5, of: proxies)
        for (proxy, before) in zip(proxies, before) {
            // Twice as long each time, with half of it left to chance: 1, 2, 4, 8, 16 s at most.
            let waits = Attempts(proxy).waits.prefix(5)
            #expect(waits.elementsEqual(waits.sorted()) && waits.last! >= 8, "\(proxy.logFile): \(waits)")
            // A connection of the load may be open at either moment.
            #expect(try Self.openFiles(proxy) <= before.files + 4)
            #expect(try Self.residentKiB(proxy) <= before.memory + 4096)
        }
        load.stop()
        let all = load.now
        #expect(all.failures.isEmpty && all.served > 100, "\(all.failures.prefix(5)) of \(all.served)")
    }

    private static func wait(for attempts: Int, of proxies: [BackgroundProcess]) async throws {
        try await eventually("\(attempts) attempts of each proxy") {
            proxies.allSatisfy { Attempts($0).waits.count >= attempts } ? true : nil
        }
    }
}
