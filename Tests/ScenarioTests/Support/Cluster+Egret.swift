import Foundation
import JSONModel
import TestKit
import Testing

/// Egret in the cluster.
extension Cluster {
    static let enabled = "kuma: {egress: {enabled: true}}\n"
    static let disabled = "kuma: {egress: {enabled: false}}\n"

    /// Installs with Helm, and waits for the control plane only: the egress follows by itself.
    func install(_ values: String = Cluster.enabled) async throws {
        let file = try self.write(values, to: "values.yaml")
        try await self.helm(
            "install", "egret", Repository.chart, "-n", Self.system, "--create-namespace", "-f", file, "--wait", "--timeout", "90")
    }

    func waitForEgress() async throws {
        try await eventually("the operator makes ZoneEgress/egress") { try await self.object("zoneegress/egress") }
        try await self.kubectl("-n", Self.system, "wait", "--for=condition=Ready", "zoneegress/egress", "--timeout=90s")
    }

    func scaleEgress(_ replicas: Int) async throws {
        try await self.kubectl("-n", Self.system, "scale", "zoneegress/egress", "--replicas=\(replicas)")
    }

    struct ProxyPod: Sendable {
        var name: String
        var address: String
    }

    func egressPods() async throws -> [ProxyPod] { try await self.pods("kuma.io/zone-egress=egress") }

    func ingressPods() async throws -> [ProxyPod] { try await self.pods("kuma.io/zone-ingress=ingress") }

    private func pods(_ selector: String) async throws -> [ProxyPod] {
        let list = try JSON(parsing: try await self.kubectl("-n", Self.system, "get", "pods", "-l", selector, "-o", "json"))
        return (list["items"]?.array ?? []).compactMap { pod in
            guard let name = pod.at("metadata", "name")?.string, let address = pod.at("status", "podIP")?.string else { return nil }
            return ProxyPod(name: name, address: address)
        }
    }

    func waitForEgressPods(_ count: Int) async throws -> [ProxyPod] {
        try await eventually("\(count) egress pods run") {
            let pods = try await self.egressPods()
            return pods.count == count ? pods : nil
        }
    }

    func egressLog() async throws -> String {
        var text = ""
        for pod in try await self.egressPods() { text += try await self.tryKubectl("-n", Self.system, "logs", pod.name).output }
        return text
    }

    func operatorLog() async throws -> String { try await self.kubectl("-n", Self.system, "logs", "deploy/egret-control-plane") }

    /// The sum of a proxy's samples of one metric whose labels contain every given text.
    func metric(_ name: String, at address: String, _ labels: String...) async throws -> Double {
        let text = try await Command.output("curl", ["-sf", "--max-time", "5", "http://\(address):9901/metrics"])
        return text.split(separator: "\n").filter { line in line.hasPrefix(name) && labels.allSatisfy { line.contains($0) } }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }
}
