import Foundation
import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("The ingress of a cluster")
    struct Ingresses {
        private static let values = "kuma: {egress: {enabled: true}, ingress: {enabled: true}}\n"

        @Test("The whole story: no address, a load balancer's, services that come and go, a workload, an external service, two, none")
        func story() async throws {
            try await Cluster.with { cluster in
                try await cluster.install(Self.values)
                try await cluster.apply(Manifests.mesh())
                try await cluster.waitForEgress()
                try await cluster.prepareWorkloads()
                try await HTTPSServer.with(cluster) { server in
                    try await BackgroundProcess.with(
                        "python3", ["-u", "-m", "http.server", "0", "--bind", "127.0.9.3"], logFile: "\(cluster.directory)/application.log"
                    ) { application in
                        let line = try await application.line(containing: "port ")
                        let port = line.split(separator: " ").drop { $0 != "port" }.dropFirst().first ?? ""
                        do { try await Self.story(cluster, server, port: String(port)) } catch {
                            print(try await cluster.operatorLog())
                            throw error
                        }
                    }
                }
            }
        }

        private static func story(_ cluster: Cluster, _ server: HTTPSServer, port: String) async throws {
            let ingress = "zoneingress/ingress"
            // Nobody has given its Service an address, and the condition says so.
            try await cluster.waitForCondition("Ready", "False NotAdvertised", of: ingress)
            let message = try await cluster.object(ingress)?.at("status", "conditions")?.array?.first { $0["type"] == "Ready" }?["message"]
            #expect(message?.string?.contains("kubectl get service egret-ingress -n kuma-system") == true, "\(String(describing: message))")

            var service = try #require(try await cluster.object("service/egret-ingress"))
            service["status"] = ["loadBalancer": ["ingress": [["ip": "203.0.113.7"]]]]
            try await cluster.kubectl(
                "replace", "--raw", "/api/v1/namespaces/\(Cluster.system)/services/egret-ingress/status", "-f",
                try cluster.write(service.text, to: "service.json"))
            try await cluster.waitForCondition("Ready", "True Ready", of: ingress)
            let row = try await cluster.kubectl("-n", Cluster.system, "get", ingress).split(separator: "\n").map {
                $0.split(separator: " ").map(String.init)
            }
            #expect(row.first == ["NAME", "ZONE", "ADDRESS", "PORT", "READY", "STATUS", "AGE"])
            #expect(row.last?.prefix(6) == ["ingress", "default", "203.0.113.7", "10001", "1/1", "True"])

            // A workload and an external service of this zone are told to other zones.
            try await cluster.apply(
                Manifests.externalService("httpbin", service: "httpbin", address: server.address, ca: server.certificate)
                    .replacing("kuma.io/protocol: tcp", with: "kuma.io/zone: default"))
            try await cluster.apply(
                Manifests.workload("server", outbounds: []).replacing(
                    "- port: 8080\n", with: "- port: 8080\n      servicePort: \(port)\n      serviceAddress: 127.0.9.3\n"))
            try await Self.waitForServices(cluster, ["httpbin x1 external", "server_demo_svc_8080 x1"])

            // Who comes in by their names meets the one who has the name's identity, end to end.
            let pod = try #require(try await cluster.ingressPods().first)
            let authority = try await cluster.writeAuthority()
            for (name, identity) in [("server_demo_svc_8080", "server_demo_svc_8080"), ("httpbin", "zone-egress")] {
                try await eventually("\(name) is \(identity) through the ingress") {
                    let hello = try await Caller.hello("\(name){mesh=default}", at: pod.address, port: 10001, authority: authority)
                    guard hello.output.contains("Verify return code: 0 (ok)") else { throw CommandFailed(result: hello) }
                    let names = try await Command.run("openssl", ["x509", "-noout", "-ext", "subjectAltName"], input: hello.output)
                    return names.output.contains("URI:spiffe://default/\(identity)") ? true : nil
                }
            }
            let stranger = try await Caller.hello("server_demo_svc_8080{mesh=other}", at: pod.address, port: 10001, authority: authority)
            #expect(stranger.errors.contains("unrecognized name"), "\(stranger)")
            #expect(try await cluster.metric("egret_connections_total", at: pod.address, "reason=\"no_route\"") == 1)

            // Two, and none; and what is gone is not offered any more.
            try await cluster.kubectl("-n", Cluster.system, "scale", ingress, "--replicas=2")
            try await eventually("both serve") { try await cluster.object(ingress)?.at("status", "ready") == "2/2" ? true : nil }
            try await cluster.kubectl("-n", "demo", "delete", "pod", "server")
            try await Self.waitForServices(cluster, ["httpbin x1 external"])
            let file = try cluster.write(Cluster.enabled, to: "values.yaml")
            try await cluster.helm("upgrade", "egret", Repository.chart, "-n", Cluster.system, "-f", file, "--wait", "--timeout", "90")
            try await eventually("nothing of it is left") { () -> Bool? in
                for object in [ingress, "deployment/egret-ingress", "service/egret-ingress", "serviceaccount/egret-ingress"]
                where try await cluster.object(object) != nil { return nil }
                return true
            }
            #expect(try await cluster.object("deployment/egret-egress") != nil)
        }

        private static func waitForServices(_ cluster: Cluster, _ wanted: [String]) async throws {
            try await eventually("other zones are told of \(wanted)") {
                let services = try await cluster.object("zoneingress/ingress")?.at("spec", "availableServices")?.array ?? []
                let found = services.map { service in
                    "\(service.at("tags", "kuma.io/service")?.string ?? "") x\(service["instances"]?.int ?? 0)"
                        + (service["externalService"] == true ? " external" : "")
                }
                guard found == wanted else { throw Other(found: found) }
                return true
            }
        }

        private struct Other: Error { let found: [String] }
    }
}
