import JSONModel
import KubeAPI
import MeshModel
import Testing
import ZoneSync

@testable import ControlPlane

@Suite("What a cluster keeps of the global control plane's")
struct ClusterReplicaTests {
    private let cluster = ScriptedCluster()
    private let world = StillWorld()
    private let replica: ClusterReplica

    init() { self.replica = ClusterReplica(source: self.world, writer: self.cluster) }

    private static func item(_ kind: String, _ name: String, mesh: String = "", _ spec: JSON) -> SharedItem {
        Replica.item(SharedItem(.init(kind: kind, mesh: mesh, name: name), spec: spec))
    }

    private static let mesh = Self.item("Mesh", "default", ["routing": ["zoneEgress": true]])
    private static let secret = Self.item("Secret", "default.ca-builtin-cert-ca-1", mesh: "default", ["data": "Z2xvYmFs"])

    private func object(_ type: ResourceType, _ name: String) -> KubeObject? {
        self.cluster[type, ObjectKey(namespace: type.isNamespaced ? "kuma-system" : nil, name: name)]
    }

    /// The caches catch up.
    private func watch(_ objects: (ResourceType, String)...) {
        self.world.set(objects.compactMap { self.object($0.0, $0.1) })
    }

    @Test("Items become objects where their kinds belong, and nothing is written twice, however far behind the caches are")
    func writes() async throws {
        let route = Self.item("TrafficRoute", "all", mesh: "default", ["sources": []])
        let permission = Self.item("MeshTrafficPermission", "all", mesh: "default", ["targetRef": ["kind": "Mesh"]])
        let wanted = [Self.mesh, Self.secret, route, permission]
        #expect(try await self.replica.keep(wanted).isEmpty)
        #expect(self.object(.meshes, "default")?.metadata.labels == ["kuma.io/origin": "global"])
        #expect(self.object(.trafficRoutes, route.id.name)?["mesh"] == "default")
        #expect(self.object(.meshTrafficPermissions, permission.id.name)?.metadata.labels["kuma.io/mesh"] == "default")
        let secret = self.object(.secrets, Self.secret.id.name)
        #expect(secret?["type"] == "system.kuma.io/secret" && secret?["data"]?["value"] == "Z2xvYmFs")
        let writes = self.cluster.writes
        #expect(writes.count == 4)
        _ = try await self.replica.keep(wanted)
        self.watch(
            (.meshes, "default"), (.secrets, Self.secret.id.name), (.trafficRoutes, route.id.name),
            (.meshTrafficPermissions, permission.id.name))
        _ = try await self.replica.keep(wanted)
        #expect(self.cluster.writes == writes)
    }

    @Test("What somebody edits or unlabels is put back, what servers add stays, and what is gone is deleted")
    func repairs() async throws {
        _ = try await self.replica.keep([Self.mesh])
        let key = ObjectKey(name: "default")
        for change: @Sendable (inout KubeObject) -> Void in [
            { $0.spec = ["routing": ["zoneEgress": false]] }, { $0.metadata.labels = [:] },
        ] {
            var edited = try #require(self.cluster[.meshes, key])
            change(&edited)
            self.cluster[.meshes, key] = edited
            self.watch((.meshes, "default"))
            #expect(try await self.replica.keep([Self.mesh]).isEmpty)
            let mended = self.cluster[.meshes, key]
            #expect(mended?.spec.at("routing", "zoneEgress") == true && mended?.metadata.labels["kuma.io/origin"] == "global")
        }
        var defaulted = try #require(self.cluster[.meshes, key])
        defaulted.spec["added"] = "by the server"
        self.cluster[.meshes, key] = defaulted
        self.watch((.meshes, "default"))
        let writes = self.cluster.writes.count
        _ = try await self.replica.keep([Self.mesh])
        #expect(self.cluster.writes.count == writes)
        _ = try await self.replica.keep([])
        #expect(self.cluster[.meshes, key] == nil)
    }

    @Test("A mesh and a secret of the cluster give way and come back as they were; the secret's text stays out of annotations")
    func setAside() async throws {
        var own = KubeObject(.meshes, name: "default", labels: ["team": "own"])
        own.spec = ["own": true]
        var ownSecret = KubeObject(
            .secrets, name: Self.secret.id.name, namespace: "kuma-system", labels: ["kuma.io/mesh": "default"])
        ownSecret["type"] = "system.kuma.io/secret"
        ownSecret["data"] = ["value": "b3du"]
        self.cluster[.meshes, own.key] = own
        self.cluster[.secrets, ownSecret.key] = ownSecret
        self.watch((.meshes, "default"), (.secrets, Self.secret.id.name))
        let wanted = [Self.mesh, Self.secret]
        for _ in 0..<2 {
            #expect(try await self.replica.keep(wanted).count == 2)
            #expect(self.object(.meshes, "default")?.spec.at("routing", "zoneEgress") == true)
            #expect(self.object(.meshes, "default")?.metadata.labels["egret.io/set-aside"] == "true")
            let secret = try #require(self.object(.secrets, Self.secret.id.name))
            #expect(secret["data"]?["value"] == "Z2xvYmFs" && !secret.metadata.json.text.contains("b3du"))
        }
        #expect(self.cluster.writes.count == 2)
        #expect(try await self.replica.keep([]).isEmpty)
        #expect(self.object(.meshes, "default")?.spec == ["own": true])
        #expect(self.object(.meshes, "default")?.metadata.labels == ["team": "own"])
        #expect(self.object(.secrets, Self.secret.id.name)?["data"] == ["value": "b3du"])
        #expect(self.object(.secrets, Self.secret.id.name)?.metadata.labels == ["kuma.io/mesh": "default"])
    }

    @Test("A name too long for a label is an annotation, and two meshes' secrets of one name are one too many, which is said")
    func names() async throws {
        let long = Self.item("TrafficRoute", String(repeating: "a", count: 100), mesh: "default", ["sources": []])
        let secrets = ["a", "b"].map { Self.item("Secret", "shared", mesh: $0, ["data": "eA=="]) }
        let problems = try await self.replica.keep([long] + secrets)
        #expect(problems.count == 1 && problems.first?.contains("Secret shared of mesh b") == true, "\(problems)")
        let object = try #require(self.object(.trafficRoutes, long.id.name))
        #expect(object.metadata.annotations["kuma.io/display-name"] == String(repeating: "a", count: 100))
        #expect(object.metadata.labels["kuma.io/display-name"] == nil)
        self.watch((.trafficRoutes, long.id.name), (.secrets, "shared"))
        let writes = self.cluster.writes
        #expect(try await self.replica.keep([long] + secrets).count == 1)
        #expect(self.cluster.writes == writes)
    }

    @Test("Objects made in the cluster, and Secrets that are none of a mesh, are never touched")
    func foreign() async throws {
        var route = KubeObject(.trafficRoutes, name: "own")
        route["mesh"] = "default"
        let tls = KubeObject(.secrets, name: "egret-control-plane-tls", namespace: "kuma-system")
        self.cluster[.trafficRoutes, route.key] = route
        self.cluster[.secrets, tls.key] = tls
        self.watch((.trafficRoutes, "own"), (.secrets, "egret-control-plane-tls"))
        _ = try await self.replica.keep([Self.mesh])
        _ = try await self.replica.keep([])
        #expect(self.cluster.writes.allSatisfy { $0.contains("Mesh/default") }, "\(self.cluster.writes)")
    }
}
