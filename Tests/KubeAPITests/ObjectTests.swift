import FoundationEssentials
import JSONModel
import KubeAPI
import Testing

@Suite("Objects")
struct ObjectTests {
    @Test("Metadata is read and written in place, and what has no name of ours stays")
    func metadata() {
        var object = KubeObject([
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": [
                "name": "d", "namespace": "n", "uid": "u", "resourceVersion": "7", "generation": 3, "labels": ["a": "b"],
                "managedFields": [["manager": "x"]], "deletionTimestamp": "2026-01-02T03:04:05Z",
            ],
        ])
        #expect(object.key == ObjectKey(namespace: "n", name: "d"))
        #expect(object.displayName == "Deployment/n/d")
        #expect(object.group == "apps" && object.version == "v1")
        #expect(object.metadata.generation == 3)
        #expect(object.metadata.isBeingDeleted)
        object.metadata.labels["c"] = "d"
        object.metadata.annotations = ["k": "v"]
        #expect(object.json.at("metadata", "labels") == ["a": "b", "c": "d"])
        #expect(object.json.at("metadata", "managedFields") == [["manager": "x"]])
        object.metadata.annotations = [:]
        #expect(object.json.at("metadata", "annotations") == nil)
    }

    @Test("Missing parts read as empty, never as a crash")
    func empty() {
        let object = KubeObject(.null)
        #expect(object.name.isEmpty && object.namespace == nil && object.kind.isEmpty && object.conditions.isEmpty)
        #expect(object.spec == [:] && object.metadata.ownerReferences.isEmpty)
    }

    @Test("A child names its controller")
    func owners() {
        var mesh = KubeObject(.zoneEgresses, name: "egress", namespace: "kuma-system")
        mesh.metadata.uid = "u-1"
        var child = KubeObject(.deployments, name: "egret-egress", namespace: "kuma-system")
        child.metadata.ownerReferences = [OwnerReference(controller: mesh)]
        #expect(
            child.json.at("metadata", "ownerReferences")
                == [
                    [
                        "apiVersion": "kuma.io/v1alpha1", "kind": "ZoneEgress", "name": "egress", "uid": "u-1", "controller": true,
                        "blockOwnerDeletion": true,
                    ]
                ])
        #expect(child.metadata.controller?.uid == "u-1")
    }

    @Test("Types are found by apiVersion and kind")
    func types() {
        #expect(ResourceType.known(apiVersion: "kuma.io/v1alpha1", kind: "Mesh") == .meshes)
        #expect(ResourceType.known(apiVersion: "v1", kind: "Pod") == .pods)
        #expect(ResourceType.known(apiVersion: "v2", kind: "Pod") == nil)
        #expect(ResourceType.zoneEgresses.groupResource == "zoneegresses.kuma.io")
        #expect(Set(ResourceType.known.map { "\($0.apiVersion)/\($0.plural)" }).count == ResourceType.known.count)
    }

    @Test("List items without apiVersion and kind get the list's")
    func page() {
        let page = KubeListPage(
            ["metadata": ["resourceVersion": "9", "continue": ""], "items": [["metadata": ["name": "a"]]]], of: .pods)
        #expect(page.objects.map(\.displayName) == ["Pod/a"])
        #expect(page.objects[0].apiVersion == "v1")
        #expect(page.continueToken == nil && page.resourceVersion == "9")
    }

    @Test(
        "Timestamps survive the trip through text",
        arguments: ["1970-01-01T00:00:00Z", "2026-11-23T08:24:32Z", "2000-02-29T23:59:59Z", "1969-12-31T23:59:59Z", "2100-03-01T00:00:00Z"])
    func timestamps(text: String) throws { #expect(try #require(Date(rfc3339: text)).rfc3339 == text) }

    @Test("Fractions, offsets and six digits")
    func fractions() throws {
        let date = try #require(Date(rfc3339: "2026-11-23T10:24:32.000125+02:00"))
        #expect(date.rfc3339 == "2026-11-23T08:24:32Z")
        #expect(date.rfc3339Micro == "2026-11-23T08:24:32.000125Z")
        for nonsense in [
            "", "now", "2026-11-23", "2026-13-01T00:00:00Z", "2026-11-23T08:24:32", "2026-11-23T08:24:32Zx", "2026-11-23T08:24:32.Z",
        ] {
            #expect(Date(rfc3339: nonsense) == nil, "\(nonsense)")
        }
    }

    @Test("A condition keeps its time until its status changes")
    func conditions() throws {
        let then = try #require(Date(rfc3339: "2026-01-01T00:00:00Z"))
        let now = try #require(Date(rfc3339: "2026-01-02T00:00:00Z"))
        var object = KubeObject(.meshes, name: "m")
        object.conditions = ([] as [Condition]).merging([Condition("Ready", .false, reason: "Starting")], now: then)
        let next = object.conditions.merging(
            [Condition("Accepted", .true, reason: "Valid"), Condition("Ready", .false, reason: "NoReplicas", observedGeneration: 2)],
            now: now)
        #expect(next["Ready"]?.lastTransitionTime == then)
        #expect(next["Ready"]?.reason == "NoReplicas")
        #expect(next["Accepted"]?.lastTransitionTime == now)
        #expect(next.merging([Condition("Ready", .true, reason: "Up")], now: now).map(\.lastTransitionTime) == [now])
        #expect(next[1].json.text.contains(#""lastTransitionTime":"2026-01-01T00:00:00Z","message":"","observedGeneration":2"#))
    }
}
