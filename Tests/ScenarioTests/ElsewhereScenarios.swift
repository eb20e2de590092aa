import Foundation
import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("Egresses elsewhere")
    struct Elsewhere {
        @Test("An egress on a VM joins by a zone token, carries the zone's traffic, outlives the control plane and is missed when it stops")
        func vm() async throws {
            try await Cluster.with { cluster in
                try await cluster.install(Cluster.disabled)
                try await cluster.apply(Manifests.mesh())
                try await cluster.apply(Self.egress)
                try await cluster.waitForCondition("Ready", "False Offline", of: "zoneegress/vm-1")
                try await cluster.prepareWorkloads()
                try await HTTPSServer.with(cluster) { server in
                    try await cluster.apply(
                        Manifests.externalService("httpbin", service: "httpbin", address: server.address, ca: server.certificate))
                    try await cluster.apply(Manifests.permission("httpbin", service: "httpbin", caller: "client_demo_svc_8080"))
                    try await cluster.startWorkload("client", outbounds: [("httpbin", Loopback.client, 10080)])
                    try await Self.story(cluster)
                }
            }
        }

        private static func story(_ cluster: Cluster) async throws {
            let outside = "http://\(Loopback.client):10080/"
            let token = try await Self.token(cluster)
            let address = try await cluster.kubectl(
                "-n", Cluster.system, "get", "service", "egret-control-plane", "-o", "jsonpath={.spec.clusterIP}")
            // As the source document has it: an address, a token, and nothing else to trust the control plane by.
            let arguments = [
                "run", "--proxy-type=egress", "--name=vm-1", "--cp-address=https://\(address):5678",
                "--dataplane-token-file=\(token)", "--admin-port=0", "--drain-grace=1s", "--drain-time=1s",
            ]
            try await BackgroundProcess.with(
                Repository.program("egret-dp"), arguments, logFile: "\(cluster.directory)/vm.log"
            ) { proxy in
                do {
                    try await cluster.waitForCondition("Ready", "True Ready", of: "zoneegress/vm-1")
                    try await cluster.waitForCondition("Programmed", "True Programmed", of: "zoneegress/vm-1")
                    try await Caller.waitUntilPasses(outside)

                    // The control plane restarts: its memory is the status, and the proxy has a minute to come back.
                    let old = try await Self.controlPlane(cluster).name
                    try await cluster.kubectl("-n", Cluster.system, "delete", "pod", old, "--wait=false")
                    let connections = proxy.log.split(separator: "\n").count { $0.contains("Connected to the control plane") }
                    try await eventually("the proxy is back at another control plane") { () -> Bool? in
                        let now = proxy.log.split(separator: "\n").count { $0.contains("Connected to the control plane") }
                        guard now > connections else { return nil }
                        return try await Self.controlPlane(cluster).name == old ? nil : true
                    }
                    #expect(try await cluster.condition("Ready", of: "zoneegress/vm-1") == "True Ready")
                    let new = try await Self.controlPlane(cluster).name
                    let log = try await cluster.kubectl("-n", Cluster.system, "logs", new)
                    #expect(!log.contains("reason=Offline"), "\(log)")
                    #expect(try await Caller.curl(outside).status == 0)
                    proxy.send(SIGTERM)
                    try await cluster.waitForCondition("Ready", "False Offline", of: "zoneegress/vm-1")
                    try await Caller.waitUntilFails(outside)
                } catch {
                    print(proxy.log)
                    throw error
                }
            }
        }

        private static let egress = """
            apiVersion: kuma.io/v1alpha1
            kind: ZoneEgress
            metadata: {name: vm-1, namespace: \(Cluster.system)}
            spec: {networking: {address: \(Loopback.vm), port: 10002}}
            """

        private static func controlPlane(_ cluster: Cluster) async throws -> (name: String, address: String) {
            let list = try JSON(
                parsing: try await cluster.kubectl(
                    "-n", Cluster.system, "get", "pods", "-l", "app.kubernetes.io/component=control-plane", "-o", "json"))
            let pods = (list["items"]?.array ?? []).filter { $0.at("metadata", "deletionTimestamp") == nil }
            let pod = try #require(pods.first)
            return (pod.at("metadata", "name")?.string ?? "", pod.at("status", "podIP")?.string ?? "")
        }

        /// By egretctl, through the API that `kubectl port-forward` leads to; pods share the machine's loopback here.
        private static func token(_ cluster: Cluster) async throws -> String {
            let address = try await Self.controlPlane(cluster).address
            let config = ["--config-file", "\(cluster.directory)/egretctl"]
            let program = Repository.program("egretctl")
            let url = "http://\(address.hasPrefix("127.") ? address : "127.0.0.1"):5681"
            try await Command.output(program, ["config", "control-planes", "add", "--name", "cluster", "--address", url] + config)
            let list = try await Command.output(program, ["inspect", "zoneegresses"] + config)
            #expect(list.contains("vm-1") && list.contains("Offline"), "\(list)")
            let token = try await Command.output(program, ["generate", "zone-token", "--valid-for", "1h", "--scope", "egress"] + config)
            return try cluster.write(token, to: "egress.token")
        }
    }
}
