import ControlPlane
import KubeAPI
import Testing

struct DefinitionsCheckTests {
    private let cluster = ScriptedCluster()

    private func define(_ type: ResourceType, labels: [String: String] = ["app.kubernetes.io/name": "egret"], release: String? = nil) {
        let annotations = release.map { ["meta.helm.sh/release-name": $0, "meta.helm.sh/release-namespace": "kuma-system"] } ?? [:]
        self.cluster[.customResourceDefinitions, ObjectKey(name: type.groupResource)] = KubeObject(
            .customResourceDefinitions, name: type.groupResource, labels: labels, annotations: annotations)
    }

    @Test("Egret's definitions are used")
    func ours() async throws {
        for type in ResourceType.kumaTypes { self.define(type) }
        #expect(try await DefinitionsCheck(writer: self.cluster).problem() == nil)
    }

    @Test("A missing definition is named with the way to get it")
    func missing() async throws {
        #expect(
            try await DefinitionsCheck(writer: self.cluster).problem()
                == "there is no CustomResourceDefinition meshes.kuma.io; install the chart, or egretctl install control-plane")
    }

    @Test("Kuma's definitions are left alone")
    func foreign() async throws {
        for type in ResourceType.kumaTypes { self.define(type) }
        self.define(.zoneEgresses, labels: [:], release: "kuma")
        #expect(
            try await DefinitionsCheck(writer: self.cluster).problem()
                == "CustomResourceDefinition zoneegresses.kuma.io is not Egret's (label app.kubernetes.io/name: egret): it belongs to the Helm release kuma in namespace kuma-system; Egret does not take it over"
        )
    }
}
