import KubeAPI
import MeshModel
import Planning
import Routing
import TestKit
import Testing

/// Permissions by tags, and what becomes of them beside the newer ones.
@Suite("TrafficPermissions")
struct TrafficPermissionTests {
    private func permission(_ name: String, from sources: String..., to destination: String, created: String = "") -> String {
        """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: TrafficPermission
        mesh: default
        metadata: {name: \(name), creationTimestamp: "\(created)"}
        spec:
          sources: [\(sources.map { "{match: {\($0)}}" }.joined(separator: ", "))]
          destinations: [{match: {\(destination)}}]

        """
    }

    private func zone(_ permissions: String, tags: String = "") throws -> TestZone {
        var zone = try TestZone()
        try zone.addMesh()
        try zone.add(Fixture.httpbin.replacing("kuma.io/service: httpbin", with: "kuma.io/service: httpbin\(tags)"))
        try zone.add(permissions)
        zone.settle()
        try zone.addEgressPod(1)
        return zone
    }

    private func callers(_ permissions: String, tags: String = "", of sni: String = "httpbin{mesh=default}") throws -> CallerRules {
        var zone = try self.zone(permissions, tags: tags)
        return try #require(zone.settle().egressConfig()?.callers(of: sni))
    }

    private let web = "kuma.io/service: web"
    private let any = "kuma.io/service: '*'"
    private let httpbin = "kuma.io/service: httpbin"
    private let all = CallerRules(allow: ["spiffe://default/*"])
    private let onlyWeb = CallerRules(allow: ["spiffe://default/web"])

    @Test("What is listed is allowed, and nobody else")
    func allowed() throws {
        #expect(try self.callers("") == CallerRules())
        #expect(try self.callers(self.permission("a", from: self.any, to: self.any)) == self.all)
        #expect(try self.callers(self.permission("a", from: self.web, to: self.httpbin)) == self.onlyWeb)
        #expect(
            try self.callers(self.permission("a", from: self.web, "kuma.io/service: api", to: self.any))
                == CallerRules(allow: ["spiffe://default/api", "spiffe://default/web"]))
        #expect(try self.callers(self.permission("a", from: self.any, to: "kuma.io/service: other")) == CallerRules())
        // `*` demands the tag of what is called.
        #expect(try self.callers(self.permission("a", from: self.any, to: "version: '*'")) == CallerRules())
        #expect(try self.callers(self.permission("a", from: self.any, to: "version: '*'"), tags: ", version: v1") == self.all)
    }

    @Test("One permission decides: the one that says most about the service, then the newest, then the first by name")
    func one() throws {
        let wide = self.permission("wide", from: self.any, to: self.any)
        #expect(try self.callers(wide + self.permission("narrow", from: self.web, to: self.httpbin)) == self.onlyWeb)
        #expect(
            try self.callers(
                wide + self.permission("tagged", from: self.web, to: "\(self.httpbin), version: '*'"), tags: ", version: v1")
                == self.onlyWeb)
        let old = self.permission("b", from: self.any, to: self.httpbin, created: "2026-01-01T00:00:00Z")
        let new = self.permission("c", from: self.web, to: self.httpbin, created: "2026-01-02T00:00:00Z")
        #expect(try self.callers(old + new) == self.onlyWeb)
        #expect(
            try self.callers(
                self.permission("a", from: self.web, to: self.httpbin) + self.permission("b", from: self.any, to: self.httpbin))
                == self.onlyWeb)
    }

    @Test("A caller by further tags has to have them all; `*` demands the tag with any value")
    func tags() throws {
        let text = self.permission("a", from: "\(self.web), version: v1", "region: eu", "\(self.any), zone: '*'", to: self.any)
        #expect(
            try self.callers(text).rules == [
                CallerRule(.allow, ["spiffe://default/web", "kuma://version/v1"]), CallerRule(.allow, ["kuma://region/eu"]),
                CallerRule(.allow, ["kuma://zone/*"]),
            ])
        #expect(try self.callers(self.permission("a", from: "region: eu", self.any, to: self.any)) == self.all)
    }

    @Test("A source that no certificate can meet allows nobody, and the permission says so")
    func inexact() throws {
        let narrow = self.permission("a", from: "\(self.web), a: b/c", to: self.any)
        #expect(try self.callers(narrow) == CallerRules())
        var zone = try self.zone(narrow)
        zone.settle()
        #expect(zone.condition(.trafficPermissions, "a") == "False Unsupported")
        #expect(zone.message(.trafficPermissions, "a").hasPrefix("sources[0].match has a value with a slash"))
        #expect(zone.condition(.externalServices, "httpbin", "Permitted") == "False NoPermission")
    }

    @Test("Where a MeshTrafficPermission is about the service it decides alone")
    func newerFirst() throws {
        let older = self.permission("a", from: self.any, to: self.any)
        func newer(_ target: String, _ from: String, _ action: String) -> String {
            """
            ---
            apiVersion: kuma.io/v1alpha1
            kind: MeshTrafficPermission
            metadata: {name: newer, namespace: kuma-system}
            spec: {targetRef: {\(target)}, from: [{targetRef: {\(from)}, default: {action: \(action)}}]}

            """
        }
        #expect(
            try self.callers(older + newer("kind: MeshService, name: httpbin", "kind: MeshService, name: web", "Allow")) == self.onlyWeb)
        #expect(try self.callers(older + newer("kind: Mesh", "kind: MeshService, name: web", "Deny")) == CallerRules())
        #expect(try self.callers(older + newer("kind: MeshService, name: other", "kind: Mesh", "Deny")) == self.all)
    }

    @Test("Two external services of one name keep their own permissions")
    func twoOfOneName() throws {
        let second = Fixture.httpbin.replacing("name: httpbin,", with: "name: httpbin-2,").replacing("httpbin.org", with: "other.example")
            .replacing("kuma.io/service: httpbin", with: "kuma.io/service: httpbin, version: v2")
        let permissions =
            self.permission("v1", from: self.web, to: "\(self.httpbin), version: v1")
            + self.permission("v2", from: self.web, "kuma.io/service: api", to: "\(self.httpbin), version: v2")
        func callers(_ sni: String) throws -> CallerRules {
            try self.callers(second + permissions, tags: ", version: v1", of: sni)
        }
        #expect(try callers("httpbin{mesh=default,version=v1}") == self.onlyWeb)
        #expect(
            try callers("httpbin{mesh=default,version=v2}") == CallerRules(allow: ["spiffe://default/api", "spiffe://default/web"]))
        // A connection that may reach both takes a permission for both.
        #expect(
            try callers("httpbin{mesh=default}").rules
                == [CallerRule(.allow, ["spiffe://default/api", "spiffe://default/web"]), CallerRule(.allow, ["spiffe://default/web"])])
    }

    @Test("One service lacks a permission: its route refuses everybody, the others are open, golden")
    func golden() throws {
        let closed = Fixture.httpbin.replacing("name: httpbin,", with: "name: closed,").replacing("httpbin.org", with: "closed.example")
            .replacing("kuma.io/service: httpbin", with: "kuma.io/service: closed")
        var zone = try self.zone(closed + self.permission("open", from: self.any, to: self.httpbin))
        expectGolden(try #require(zone.settle().egressConfig()).golden, "egress-permission-missing.json")
        #expect(zone.condition(.externalServices, "closed", "Permitted") == "False NoPermission")
        #expect(zone.condition(.trafficPermissions, "open") == "True Ready")
    }

    @Test("A permission of a mesh that is not there does not count")
    func meshNotFound() throws {
        var zone = try self.zone(self.permission("a", from: self.any, to: self.any).replacing("mesh: default", with: "mesh: nowhere"))
        #expect(zone.settle().egressConfig()?.callers(of: "httpbin{mesh=default}") == CallerRules())
        #expect(zone.condition(.trafficPermissions, "a") == "False MeshNotFound")
    }
}
