import Foundation
import JSONModel
import KubeAPI
import Store
import Testing

@testable import ControlPlane

@Suite("Stored resources as objects")
struct StoredFormTests {
    @Test("An object knows when its resource was made: of permissions that say equally much the newest counts")
    func created() throws {
        let world = try UniversalWorld()
        try world.addMesh()
        let object = try #require(world.store.list().first.flatMap(StoredForm.object))
        let created = try #require(object.metadata.creationTimestamp)
        #expect(abs(created.timeIntervalSince(world.now)) <= 1)
    }

    @Test("What the control plane found is shown, and comes back without becoming part of the resource")
    func status() throws {
        let world = try UniversalWorld()
        try world.addMesh()
        let permission: JSON = [
            "type": "TrafficPermission", "mesh": "default", "name": "all", "sources": [["match": ["kuma.io/service": "*"]]],
            "destinations": [["match": ["kuma.io/service": "*"]]],
        ]
        #expect(world.call(.put, "/meshes/default/traffic-permissions/all", permission).status == 201)
        let id = ResourceID(kind: "TrafficPermission", mesh: "default", name: "all")
        try world.store.write { try $0.putStatus(id, ["conditions": [["type": "Ready", "status": "True", "reason": "Ready"]]]) }
        let read = world.call(.get, "/meshes/default/traffic-permissions/all").json
        #expect(read.at("status", "conditions")?[0]?["reason"] == "Ready")
        #expect(world.call(.put, "/meshes/default/traffic-permissions/all", read).status == 200)
        #expect(world.store[id]?.spec["status"] == nil)
    }

    @Test("Each of the newer kinds is kept under Kuma's path and refused in Kuma's words")
    func kinds() throws {
        let world = try UniversalWorld()
        try world.addMesh()
        let service: JSON = ["match": ["port": 443], "endpoints": [["address": "a.example", "port": 443]]]
        func put(_ kind: String, _ path: String, spec: JSON) -> (status: Int, json: JSON) {
            world.call(
                .put, "/meshes/default/\(path)/a", ["type": .string(kind), "mesh": "default", "name": "a", "spec": spec])
        }
        #expect(put("MeshExternalService", "meshexternalservices", spec: service).status == 201)
        #expect(put("MeshTCPRoute", "meshtcproutes", spec: ["targetRef": ["kind": "Mesh"]]).status == 201)
        #expect(put("MeshHTTPRoute", "meshhttproutes", spec: ["targetRef": ["kind": "Mesh"]]).status == 201)
        let relative: JSON = ["matches": [["path": ["type": "Exact", "value": "a"]]], "default": [:]]
        let called: JSON = ["targetRef": ["kind": "MeshService", "name": "a"], "rules": [relative]]
        #expect(
            put("MeshHTTPRoute", "meshhttproutes", spec: ["to": [called]]).json["invalid_parameters"]
                == [["field": "spec.to[0].rules[0].matches[0].path.value", "reason": "must be an absolute path", "source": "body"]])
        let everything: JSON = ["to": [["targetRef": ["kind": "Mesh"]]]]
        #expect(put("MeshLoadBalancingStrategy", "meshloadbalancingstrategies", spec: everything).status == 201)
        let refusal = put("MeshExternalService", "meshexternalservices", spec: ["match": ["port": 0]])
        #expect(
            refusal.json["invalid_parameters"]
                == [["field": "spec.match.port", "reason": "port must be a valid (1-65535)", "source": "body"]])
    }
}
