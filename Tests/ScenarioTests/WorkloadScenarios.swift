import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("Workloads")
    struct Workloads {
        private static let permission = """
            apiVersion: kuma.io/v1alpha1
            kind: MeshTrafficPermission
            metadata: {name: web-to-api, namespace: \(Cluster.system), labels: {kuma.io/mesh: default}}
            spec:
              targetRef: {kind: MeshService, name: api_demo_svc_8080}
              from: [{targetRef: {kind: MeshService, name: web_demo_svc_8080}, default: {action: Allow}}]

            """

        /// Greets whoever comes, as a server does that speaks first, and answers with what it got, to the end.
        private static func greeter() throws -> SocketServer {
            try SocketServer(address: "127.0.8.1") { socket in
                try socket.send(Array("hello from api\n".utf8))
                try socket.send(socket.receiveToEnd())
            }
        }

        /// What a caller of the outbound hears for a word; nil where nobody answers.
        private static func call(_ address: String, _ word: String) async throws -> String? {
            try await onThread {
                guard let socket = try? TestSocket.connect(port: 10080, address: address), (try? socket.send(Array(word.utf8))) != nil
                else {
                    return nil
                }
                socket.shutdownWrite()
                let answer = (try? socket.receiveToEnd()) ?? []
                return answer.isEmpty ? nil : String(decoding: answer, as: UTF8.self)
            }
        }

        @Test("Pods with the annotation get Dataplanes, and their workloads reach each other when permitted, for as long as they are ready")
        func pods() async throws {
            let server = try Self.greeter()
            try await Cluster.with { cluster in
                try await cluster.install()
                try await cluster.apply(Manifests.mesh())
                try await cluster.prepareWorkloads()
                let asked = "kuma.io/sidecar-injected"
                try await cluster.apply(
                    Manifests.pod("api", annotations: [asked: "true", "egret.io/workloads": "8080=127.0.8.1:\(server.port)"]) + "---\n"
                        + Manifests.pod(
                            "web", annotations: [asked: "true", "egret.io/outbounds": "\(Loopback.client):10080=api_demo_svc_8080"]))
                for name in ["api", "web"] {
                    try await cluster.waitForCondition("Ready", "True Ready", of: "dataplane/\(name)", namespace: "demo")
                    let owner = try await cluster.object("dataplane/\(name)", namespace: "demo")?.at("metadata", "ownerReferences")?.array?
                        .first
                    #expect(owner?["kind"] == "Pod" && owner?["name"] == .string(name))
                }

                // Nobody allowed it.
                try await eventually("the proxy of api refuses the caller") {
                    _ = try await Self.call(Loopback.client, "ping\n")
                    return try await cluster.kubectl("-n", "demo", "logs", "api").contains("not_permitted") ? true : nil
                }
                #expect(server.connections == 0)
                try await cluster.apply(Self.permission)
                try await eventually("web reaches api") {
                    try await Self.call(Loopback.client, "ping\n") == "hello from api\nping\n" ? true : nil
                }

                // It is there for as long as the pod asks for it.
                try await cluster.kubectl("-n", "demo", "annotate", "pod", "web", "\(asked)-")
                try await cluster.waitUntilGone("dataplane/web", namespace: "demo")
                try await cluster.kubectl("-n", "demo", "annotate", "pod", "web", "\(asked)=true")
                try await cluster.waitForCondition("Ready", "True Ready", of: "dataplane/web", namespace: "demo")
                #expect(try await Self.call(Loopback.client, "ping\n") == "hello from api\nping\n")

                // With its pod it goes, and the endpoint with it.
                try await cluster.kubectl("-n", "demo", "delete", "pod", "api")
                try await cluster.waitUntilGone("dataplane/api", namespace: "demo")
                try await cluster.waitForCondition("Ready", "False NoReadyEndpoints", of: "dataplane/web", namespace: "demo")
                try await eventually("nobody answers") { try await Self.call(Loopback.client, "ping\n") == nil ? true : nil }

                // What the control plane asked for, its roles allow.
                if Cluster.tellsRequests {
                    let missing = try await Permissions(of: cluster).missing(for: "egret-cp")
                    #expect(missing.isEmpty, "\(missing)")
                }
            }
        }
    }
}
