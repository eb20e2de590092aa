import Foundation
import JSONModel
import Store
import Testing
import Tokens

@testable import ControlPlane

@Suite("REST API")
struct ResourceAPITests {
    private let world: UniversalWorld
    private let mesh: JSON = [
        "type": "Mesh", "name": "default",
        "mtls": ["enabledBackend": "ca-1", "backends": [["name": "ca-1", "type": "builtin"]]],
    ]

    init() throws { self.world = try UniversalWorld() }

    private func dataplane(_ name: String, mesh: String = "default") -> JSON {
        [
            "type": "Dataplane", "name": .string(name), "mesh": .string(mesh),
            "networking": ["address": "10.0.0.1", "inbound": [["port": 80, "tags": ["kuma.io/service": "web"]]]],
        ]
    }

    @Test("A resource is created, read, changed and deleted under Kuma's paths")
    func life() throws {
        var mesh = self.mesh
        mesh["mtls"] = nil
        #expect(self.world.call(.put, "/meshes/default", mesh).status == 201)
        #expect(self.world.call(.put, "/meshes/default", mesh).status == 200)
        let read = self.world.call(.get, "/meshes/default").json
        #expect(read["type"] == "Mesh" && read["name"] == "default" && read["creationTime"] != nil)

        #expect(self.world.call(.put, "/meshes/default/dataplanes/web-1", self.dataplane("web-1")).status == 201)
        #expect(self.world.call(.get, "/meshes/default/dataplanes").json["total"] == 1)
        #expect(self.world.call(.get, "/dataplanes").json["total"] == 1)
        #expect(self.world.call(.get, "/meshes/default/dataplanes/web-1").json["mesh"] == "default")
        // A mesh with proxies stays.
        let refusal = self.world.call(.delete, "/meshes/default")
        #expect(refusal.status == 400 && refusal.json["detail"]?.string?.contains("web-1") == true)
        #expect(self.world.call(.delete, "/meshes/default/dataplanes/web-1").status == 200)
        #expect(self.world.call(.delete, "/meshes/default").status == 200)
        #expect(self.world.call(.get, "/meshes/default").status == 404)
        #expect(self.world.call(.delete, "/meshes/default").status == 404)
    }

    @Test("What is wrong with a body is named field by field")
    func invalid() {
        let answer = self.world.call(.put, "/meshes/default", ["type": "Mesh", "name": "default", "routing": ["zoneEgress": true]])
        #expect(answer.status == 400)
        #expect(
            answer.json["invalid_parameters"]
                == [["field": "mtls", "reason": "has to be set when zoneEgress enabled", "source": "body"]])
        #expect(self.world.call(.put, "/meshes/other", ["type": "Mesh", "name": "default"]).status == 400)
        #expect(self.world.call(.put, "/zoneegresses/default", ["type": "Mesh", "name": "default"]).status == 400)
        #expect(self.world.call(.put, "/meshes/default", nil).status == 400)
        #expect(
            self.world.call(.put, "/meshes/none/dataplanes/a", self.dataplane("a", mesh: "none")).json["detail"]
                == "mesh of name none is not found")
        let zone: JSON = ["type": "ZoneEgress", "name": "a", "zone": "west", "networking": ["port": 10002]]
        #expect(self.world.call(.put, "/zoneegresses/a", zone).json.at("invalid_parameters")?.array?.first?["field"] == "zone")
        #expect(self.world.store.list().isEmpty)
    }

    @Test("The authority in use cannot be swapped; without mTLS in between it can")
    func authority() {
        #expect(self.world.call(.put, "/meshes/default", self.mesh).status == 201)
        var other = self.mesh
        other["mtls"] = ["enabledBackend": "ca-2", "backends": [["name": "ca-2", "type": "builtin"]]]
        #expect(self.world.call(.put, "/meshes/default", other).status == 400)
        var off = self.mesh
        off["mtls"] = nil
        #expect(self.world.call(.put, "/meshes/default", off).status == 200)
        #expect(self.world.call(.put, "/meshes/default", other).status == 200)
    }

    @Test("Lists come in pages that lead through all of it, filtered by name")
    func pages() throws {
        try self.world.addMesh()
        for number in 0..<25 { _ = self.world.call(.put, "/meshes/default/dataplanes/web-\(number)", self.dataplane("web-\(number)")) }
        var names: Set<String> = []
        var query = ["size": "10"]
        while true {
            let page = self.world.call(.get, "/meshes/default/dataplanes", query: query).json
            #expect(page["total"] == 25)
            names.formUnion((page["items"]?.array ?? []).compactMap { $0["name"]?.string })
            guard let next = page["next"]?.string else { break }
            query["offset"] = String(next.split(separator: "offset=")[1])
        }
        #expect(names.count == 25)
        #expect(self.world.call(.get, "/dataplanes", query: ["name": "web-2"]).json["total"] == 6)
        for size in ["0", "-1", "many", "1001"] { #expect(self.world.call(.get, "/dataplanes", query: ["size": size]).status == 400) }
    }

    @Test("Only administrators write and see secrets; nobody sees the control plane's own keys")
    func access() async throws {
        #expect(self.world.call(.put, "/meshes/default", self.mesh, isAdmin: false).status == 403)
        #expect(self.world.call(.get, "/meshes", isAdmin: false).status == 200)
        #expect(self.world.call(.get, "/global-secrets", isAdmin: false).status == 403)
        _ = try await self.world.keys.signingKey(.zoneTokens, now: self.world.now)
        let secret: JSON = ["type": "GlobalSecret", "name": "mine", "data": "dGV4dA=="]
        #expect(self.world.call(.put, "/global-secrets/mine", secret).status == 201)
        #expect(self.world.call(.get, "/global-secrets/mine").json["data"] == "dGV4dA==")
        #expect(self.world.call(.get, "/global-secrets/zone-token-signing-key-1").json["data"] == nil)
        let list = self.world.call(.get, "/global-secrets").json
        #expect(list["total"] == 2 && !list.text.contains("data"))
        await #expect(throws: APIProblem.self) {
            _ = try await self.world.tokens.respond(to: APIRequest(.post, ["tokens", "zone"], isAdmin: false), now: self.world.now)
        }
    }

    @Test("Paths that lead nowhere and methods that are not offered are refused in words")
    func nowhere() {
        for path in ["/nothing", "/meshes/a/b/c/d", "/meshes/default/zoneegresses", "/meshes/_overview", "/zoneegresses/a/b"] {
            #expect(self.world.call(.get, path).status == 404, "\(path)")
        }
        #expect(self.world.call(.put, "/meshes").status == 405)
        #expect(self.world.call(.post, "/meshes/a").status == 405)
        #expect(self.world.call(.put, "/zoneegresses/a/_overview").status == 405)
    }
}
