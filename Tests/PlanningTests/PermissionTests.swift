import KubeAPI
import MeshModel
import Planning
import Routing
import Testing

/// Who may call an external service, by the permissions of its mesh.
@Suite("Permissions")
struct PermissionTests {
    private static let httpbin = "httpbin{mesh=default}"

    private func callers(_ permissions: String, tags: String = "") throws -> CallerRules {
        var zone = try TestZone()
        try zone.addMesh()
        try zone.add(
            """
            apiVersion: kuma.io/v1alpha1
            kind: ExternalService
            mesh: default
            metadata: {name: httpbin}
            spec: {tags: {kuma.io/service: httpbin\(tags)}, networking: {address: "httpbin.org:80"}}
            """)
        try zone.add(permissions)
        zone.settle()
        try zone.addEgressPod(1)
        return try #require(zone.settle().egressConfig()?.callers(of: Self.httpbin))
    }

    private func permission(_ name: String, target: String, _ from: (String, String)...) -> String {
        """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: MeshTrafficPermission
        metadata: {name: \(name), namespace: kuma-system, labels: {kuma.io/mesh: default}}
        spec:
          targetRef: {\(target)}
          from: [\(from.map { "{targetRef: {\($0.0)}, default: {action: \($0.1)}}" }.joined(separator: ", "))]

        """
    }

    private let mesh = "kind: Mesh"
    private let web = "kind: MeshService, name: web"
    private let httpbin = "kind: MeshService, name: httpbin"

    @Test("Without a permission nobody may")
    func none() throws {
        #expect(try self.callers("") == CallerRules())
    }

    @Test("Mesh and MeshService, Allow and Deny: the matrix")
    func matrix() throws {
        let all = ["spiffe://default/*"]
        let onlyWeb = ["spiffe://default/web"]
        #expect(try self.callers(self.permission("a", target: self.mesh, (self.mesh, "Allow"))) == CallerRules(allow: all))
        #expect(try self.callers(self.permission("a", target: self.mesh, (self.web, "Allow"))) == CallerRules(allow: onlyWeb))
        #expect(try self.callers(self.permission("a", target: self.httpbin, (self.mesh, "Allow"))) == CallerRules(allow: all))
        #expect(try self.callers(self.permission("a", target: self.httpbin, (self.web, "Allow"))) == CallerRules(allow: onlyWeb))
        #expect(try self.callers(self.permission("a", target: self.httpbin, (self.web, "Deny"))) == CallerRules())
        #expect(
            try self.callers(self.permission("a", target: self.httpbin, (self.mesh, "Allow"), (self.web, "Deny")))
                == CallerRules(allow: all, deny: onlyWeb))
        // The later rule decides, whatever the other says about the caller.
        #expect(try self.callers(self.permission("a", target: self.httpbin, (self.web, "Allow"), (self.mesh, "Deny"))) == CallerRules())
        #expect(
            try self.callers(self.permission("a", target: self.httpbin, (self.mesh, "Deny"), (self.web, "Allow")))
                == CallerRules(allow: onlyWeb))
        #expect(try self.callers(self.permission("a", target: "kind: MeshService, name: other", (self.mesh, "Allow"))) == CallerRules())
        #expect(try self.callers(self.permission("a", target: self.mesh, (self.mesh, "AllowWithShadowDeny"))) == CallerRules(allow: all))
    }

    @Test("The more specific target wins, whatever it says about the caller")
    func specificity() throws {
        let wide = self.permission("wide", target: self.mesh, (self.web, "Deny"))
        let narrow = self.permission("narrow", target: self.httpbin, (self.mesh, "Allow"))
        #expect(try self.callers(wide + narrow) == CallerRules(allow: ["spiffe://default/*"]))
        let wideAllow = self.permission("wide", target: self.mesh, (self.mesh, "Allow"))
        let narrowDeny = self.permission("narrow", target: self.httpbin, (self.mesh, "Deny"))
        #expect(try self.callers(wideAllow + narrowDeny) == CallerRules())
    }

    @Test("Of two that say equally much, the smaller name wins")
    func names() throws {
        let allow = self.permission("a", target: self.httpbin, (self.mesh, "Allow"))
        let deny = self.permission("b", target: self.httpbin, (self.mesh, "Deny"))
        #expect(try self.callers(allow + deny) == CallerRules(allow: ["spiffe://default/*"]))
    }

    @Test("A subset of the service is more specific than the service")
    func targetSubset() throws {
        let service = self.permission("a", target: self.httpbin, (self.mesh, "Allow"))
        let subset = self.permission("b", target: "kind: MeshServiceSubset, name: httpbin, tags: {version: v1}", (self.mesh, "Deny"))
        #expect(try self.callers(service + subset, tags: ", version: v1") == CallerRules())
        #expect(try self.callers(service + subset, tags: ", version: v2") == CallerRules(allow: ["spiffe://default/*"]))
    }

    @Test("Callers by tags, Allow and Deny: every tag has to be there")
    func tags() throws {
        let dev = "kind: MeshSubset, tags: {env: dev, team: x}"
        let devNames = ["kuma://env/dev", "kuma://team/x"]
        #expect(try self.callers(self.permission("a", target: self.httpbin, (dev, "Allow"))).rules == [CallerRule(.allow, devNames)])
        #expect(
            try self.callers(self.permission("a", target: self.httpbin, (self.mesh, "Allow"), (dev, "Deny"))).rules
                == [CallerRule(.deny, devNames), CallerRule(.allow, ["spiffe://default/*"])])
        let v1 = "kind: MeshServiceSubset, name: web, tags: {version: v1}"
        #expect(
            try self.callers(self.permission("a", target: self.httpbin, (v1, "Allow"))).rules
                == [CallerRule(.allow, ["spiffe://default/web", "kuma://version/v1"])])
        let byService = "kind: MeshSubset, tags: {kuma.io/service: web}"
        #expect(
            try self.callers(self.permission("a", target: self.httpbin, (byService, "Allow")))
                == CallerRules(allow: ["spiffe://default/web"]))
    }

    @Test("A caller that no certificate tells is denied rather than allowed")
    func inexact() throws {
        let gateway = "kind: MeshGateway, name: edge"
        #expect(try self.callers(self.permission("a", target: self.httpbin, (gateway, "Allow"))) == CallerRules())
        #expect(try self.callers(self.permission("a", target: self.httpbin, (self.mesh, "Allow"), (gateway, "Deny"))) == CallerRules())
    }

    @Test("Permissions of another mesh, another namespace or no mesh do not count, and say why")
    func misplaced() throws {
        var zone = try TestZone()
        try zone.addMesh()
        let text = self.permission("a", target: self.mesh, (self.mesh, "Allow"))
        try zone.add(text.replacing("namespace: kuma-system", with: "namespace: demo"))
        try zone.add(text.replacing("name: a,", with: "name: b,").replacing("kuma.io/mesh: default", with: "kuma.io/mesh: other"))
        try zone.add(text.replacing("name: a,", with: "name: c,").replacing("kind: Mesh}", with: "kind: MeshGateway, name: edge}"))
        zone.settle()
        #expect(zone.condition(.meshTrafficPermissions, "a", in: "demo") == "False WrongNamespace")
        #expect(zone.condition(.meshTrafficPermissions, "b") == "False MeshNotFound")
        #expect(zone.condition(.meshTrafficPermissions, "c") == "False Unsupported")
        // What is meant for gateways alone is not taken as meant for all.
        try zone.add(
            text.replacing("name: a,", with: "name: d,").replacing(
                "kind: Mesh}\n  from", with: "kind: Mesh, proxyTypes: [Gateway]}\n  from"))
        zone.settle()
        #expect(zone.condition(.meshTrafficPermissions, "d") == "False Unsupported")
    }
}
