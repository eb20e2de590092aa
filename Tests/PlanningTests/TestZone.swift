import Foundation
import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import TestKit
import Testing
import YAMLDocument

/// A zone made of values: objects are written as YAML, plans are carried out on them, pods are as ready as told.
struct TestZone {
    var observed: Observed

    private var nextUID = 1

    init(egressEnabled: Bool = true, replicas: Int = 1, zone: String = "default", objects yaml: String = "") throws {
        var settings = EgretSettings(zone: zone)
        settings.egress.isEnabled = egressEnabled
        settings.egress.replicas = replicas
        let owner = OwnerReference(
            apiVersion: "apps/v1", kind: "Deployment", name: "egret-control-plane", uid: "uid-control-plane", isController: true,
            blocksOwnerDeletion: true)
        self.observed = Observed(
            settings: settings, systemNamespace: "kuma-system", controlPlane: owner, now: Date(timeIntervalSince1970: 1_700_000_000))
        try self.add(yaml)
    }

    // MARK: Objects

    mutating func add(_ yaml: String) throws {
        for document in try YAMLDocument.parse(yaml) { self.store(KubeObject(document)) }
    }

    mutating func store(_ object: KubeObject) {
        var object = object
        guard let type = ResourceType.known(apiVersion: object.apiVersion, kind: object.kind) else { return }
        if object.metadata.uid.isEmpty {
            object.metadata.uid = "uid-\(self.nextUID)"
            self.nextUID += 1
        }
        if object.metadata.generation == 0 { object.metadata.generation = 1 }
        if type.isNamespaced, object.namespace == nil { object.metadata.namespace = "kuma-system" }
        self.observed.objects[type][object.key] = object
    }

    mutating func change(_ type: ResourceType, _ name: String, in namespace: String? = "kuma-system", _ change: (inout KubeObject) -> Void)
    {
        let key = ObjectKey(namespace: type.isNamespaced ? namespace : nil, name: name)
        guard var object = self.observed.objects[type, key] else {
            Issue.record("no \(type) \(key)")
            return
        }
        let spec = object.spec
        change(&object)
        if object.spec != spec { object.metadata.generation += 1 }
        self.observed.objects[type][key] = object
    }

    func object(_ type: ResourceType, _ name: String, in namespace: String = "kuma-system") -> KubeObject? {
        self.observed.objects[type, ObjectKey(namespace: type.isNamespaced ? namespace : nil, name: name)]
    }

    /// A pod of a Deployment, as its ReplicaSet would make it.
    mutating func addEgressPod(_ number: Int, of zoneEgress: String = "egress", ready: Bool = true) throws {
        try self.addPod(.egress, number, of: zoneEgress, ready: ready)
    }

    mutating func addPod(_ role: ZoneProxyRole, _ number: Int, of owner: String, ready: Bool = true) throws {
        let name = "egret-\(owner)"
        try self.add(
            """
            apiVersion: v1
            kind: Pod
            metadata:
              name: \(name)-abc-\(number)
              namespace: kuma-system
              labels: {\(role.label): \(owner), pod-template-hash: abc}
              ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: \(name)-abc, uid: rs, controller: true}]
            spec: {serviceAccountName: \(name)}
            status:
              phase: Running
              hostIP: 192.168.1.\(number)
              podIP: 10.1.\(role == .egress ? 0 : 1).\(number)
              conditions: [{type: Ready, status: "\(ready ? "True" : "False")"}]
            """)
    }

    /// A workload: pod, Service that selects it, and Dataplane.
    mutating func addWorkload(
        _ name: String, ip: String, mesh: String = "default", namespace: String = "demo", outbounds: String = "", tags: String = "",
        inbound: String = ""
    ) throws {
        try self.add(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name)-0, namespace: \(namespace), labels: {app: \(name)}}
            spec: {}
            status: {phase: Running, podIP: \(ip), conditions: [{type: Ready, status: "True"}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: \(name), namespace: \(namespace)}
            spec: {selector: {app: \(name)}, ports: [{port: 80}]}
            ---
            apiVersion: kuma.io/v1alpha1
            kind: Dataplane
            mesh: \(mesh)
            metadata: {name: \(name)-0, namespace: \(namespace)}
            spec:
              networking:
                inbound: [{port: 80, tags: {kuma.io/service: \(name)_\(namespace)_svc_80\(tags)}\(inbound)}]
                outbound: [\(outbounds)]
            """)
    }

    /// A mesh with mTLS whose authority exists.
    mutating func addMesh(_ name: String = "default", zoneEgress: Bool = true) throws {
        try self.add(
            """
            apiVersion: kuma.io/v1alpha1
            kind: Mesh
            metadata: {name: \(name)}
            spec:
              mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}
              routing: {zoneEgress: \(zoneEgress)}
            """)
        try self.addAuthority(name)
    }

    mutating func addAuthority(_ mesh: String) throws {
        for part in ["cert", "key"] {
            try self.add(
                """
                apiVersion: v1
                kind: Secret
                metadata: {name: \(mesh).ca-builtin-\(part)-ca-1, namespace: kuma-system, labels: {kuma.io/mesh: \(mesh)}}
                type: system.kuma.io/secret
                data: {value: UEVN}
                """)
        }
        self.observed.trust[try MeshName(mesh)] = "CA of \(mesh)"
    }

    // MARK: Carrying out

    func plan() -> Plan {
        let plan = Planner.plan(self.observed)
        for patch in plan.statuses {
            expectLawfulStatus(patch.status, generation: patch.object.metadata.generation, patch.object.displayName)
            for news in patch.news { #expect(!news.sentence.isEmpty) }
        }
        return plan
    }

    /// What the API server would do with a plan: merge, count generations, collect garbage.
    mutating func carryOut(_ plan: Plan) {
        for apply in plan.applies {
            let existing = self.observed.objects[apply.type, apply.object.key]
            #expect((existing == nil) == (apply.change == .create), "\(apply.object.displayName)")
            var merged = Self.merge(apply.object.json, into: existing?.json)
            // What a manager applied before and does not any more goes; as far as it is needed here, one level deep.
            if apply.manager == FieldManager.zone {
                if apply.object.spec["networking"] == nil, Self.owns(existing, "networking") {
                    for field in ["advertisedAddress", "advertisedPort"] { merged["spec"]?["networking"]?[field] = nil }
                }
                var fields: JSON = [:]
                for (key, value) in apply.object.spec.object ?? [:] {
                    fields["f:\(key)"] = .object(
                        Dictionary(uniqueKeysWithValues: (value.object ?? [:]).keys.map { ("f:\($0)", [:]) }))
                }
                merged["metadata"]?["managedFields"] = [["manager": .string(apply.manager), "fieldsV1": ["f:spec": fields]]]
            }
            var object = KubeObject(merged)
            if let existing, existing.spec != object.spec { object.metadata.generation = existing.metadata.generation + 1 }
            self.store(object)
        }
        for patch in plan.statuses {
            var object = patch.object
            object.status = patch.status
            if self.observed.objects[patch.type, object.key] != nil { self.observed.objects[patch.type][object.key] = object }
        }
        for delete in plan.deletes { self.remove(delete.type, delete.key) }
    }

    private static func owns(_ object: KubeObject?, _ field: String) -> Bool {
        object?.metadata.json["managedFields"]?[0]?.at("fieldsV1", "f:spec", "f:\(field)") != nil
    }

    mutating func remove(_ type: ResourceType, _ key: ObjectKey) {
        guard let gone = self.observed.objects[type, key] else { return }
        self.observed.objects[type][key] = nil
        for child in Observed.types {
            for object in self.observed.objects.sorted(child)
            where object.metadata.ownerReferences.contains(where: { $0.uid == gone.metadata.uid }) { self.remove(child, object.key) }
        }
    }

    private static func merge(_ new: JSON, into old: JSON?) -> JSON {
        guard case .object(let members) = new, case .object(var result)? = old else { return new }
        for (key, value) in members { result[key] = Self.merge(value, into: result[key]) }
        return .object(result)
    }

    /// Plans and carries out until nothing is left to do; a few rounds have to be enough.
    @discardableResult
    mutating func settle(sourceLocation: SourceLocation = #_sourceLocation) -> Plan {
        for _ in 0..<6 {
            let plan = self.plan()
            if plan.applies.isEmpty, plan.deletes.isEmpty, plan.statuses.isEmpty { return plan }
            self.carryOut(plan)
        }
        Issue.record("plans do not come to rest: \(self.plan().applies.map(\.why))", sourceLocation: sourceLocation)
        return self.plan()
    }

    /// `status reason` of a condition, as it stands in the object.
    func condition(_ type: ResourceType, _ name: String, _ condition: String = "Ready", in namespace: String = "kuma-system") -> String? {
        self.object(type, name, in: namespace)?.conditions[condition].map { "\($0.status.rawValue) \($0.reason)" }
    }

    func message(_ type: ResourceType, _ name: String, _ condition: String = "Ready", in namespace: String = "kuma-system") -> String {
        self.object(type, name, in: namespace)?.conditions[condition]?.message ?? ""
    }
}

extension Plan {
    func egressConfig(_ number: Int = 1) -> ProxyConfig? { self.configs[ProxyID(.egress, "egret-egress-abc-\(number).kuma-system")] }
    func ingressConfig(_ number: Int = 1) -> ProxyConfig? { self.configs[ProxyID(.ingress, "egret-ingress-abc-\(number).kuma-system")] }
    func dataplaneConfig(_ name: String) -> ProxyConfig? { self.configs[ProxyID(.dataplane, "\(name)-0.demo")] }
}

extension ProxyConfig {
    var golden: String { ((try? JSON(encoding: self).prettyText) ?? "") + "\n" }

    /// Server names of the SNI listeners.
    var serverNames: [String] {
        self.listeners.flatMap { listener -> [String] in
            guard case .sni(let routes) = listener.kind else { return [] }
            return routes.flatMap(\.sni)
        }
    }

    func callers(of sni: String) -> CallerRules? {
        for listener in self.listeners {
            guard case .sni(let routes) = listener.kind, let route = routes.first(where: { $0.sni.contains(sni) }) else { continue }
            if case .terminate(_, let callers, _) = route.action { return callers }
        }
        return nil
    }

    func cluster(_ name: String) -> Cluster? { self.clusters.first { $0.name == name } }
}

extension Cluster {
    var addresses: [String] { self.endpoints.map { "\($0.address):\($0.port)x\($0.weight)" } }
}
