import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import Testing

@Suite("What came from the global control plane")
struct GlobalOriginTests {
    private static let mesh = """
        apiVersion: kuma.io/v1alpha1
        kind: Mesh
        metadata: {name: default, labels: {kuma.io/origin: global}}
        spec: {mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}}
        """

    @Test("A mesh's authority is waited for, not made, unless the zone has left the global control plane")
    func authority() throws {
        var zone = try TestZone(objects: Self.mesh)
        zone.observed.settings.standing = .zone(of: try GlobalControlPlaneAddress("https://global"))
        #expect(zone.settle().authorities.isEmpty)
        #expect(zone.condition(.meshes, "default") == "False AuthorityPending")
        #expect(zone.message(.meshes, "default").contains("global control plane"))
        // One that the zone made for itself is its own.
        try zone.add(Self.mesh.replacing("default, labels: {kuma.io/origin: global}", with: "own"))
        #expect(zone.settle().authorities.map(\.mesh.text) == ["own"])
        zone.observed.settings.standing = .alone
        #expect(zone.settle().authorities.map(\.mesh.text) == ["default", "own"])
    }

    @Test("A mesh that took the place of the zone's says so")
    func sole() throws {
        var zone = try TestZone(objects: Self.mesh.replacing("origin: global", with: "origin: global, egret.io/set-aside: \"true\""))
        zone.settle()
        #expect(zone.condition(.meshes, "default", "Sole") == "False NameTaken")
    }

    private static func service(_ name: String, labels: String = "") -> String {
        """
        apiVersion: kuma.io/v1alpha1
        kind: MeshExternalService
        metadata: {name: \(name), namespace: kuma-system, labels: {kuma.io/mesh: default\(labels)}}
        spec: {match: {port: 443}, endpoints: [{address: \(name).example, port: 443}]}
        """
    }

    private static let global = ", kuma.io/origin: global, kuma.io/display-name: httpbin"

    @Test("A service is known by the name people gave it, and of two of one name the global one counts, whatever their order")
    func names() throws {
        for name in ["a-0123456789abcdef", "z-0123456789abcdef"] {
            var zone = try TestZone()
            try zone.addMesh()
            try zone.add(Self.service(name, labels: Self.global))
            try zone.addEgressPod(1)
            zone.settle()
            let cluster = zone.settle().egressConfig()?.cluster("default:extsvc/httpbin")
            #expect(cluster?.endpoints.map(\.address) == ["\(name).example"])

            try zone.add(Self.service("httpbin"))
            zone.settle()
            #expect(zone.condition(.meshExternalServices, "httpbin") == "False NameTaken")
            #expect(zone.condition(.meshExternalServices, name) != "False NameTaken")
            let clusters = zone.settle().egressConfig()?.clusters.filter { $0.name == "default:extsvc/httpbin" }
            #expect(clusters?.map { $0.endpoints.map(\.address) } == [["\(name).example"]])
        }
    }

    @Test("Its address is https, with Kuma's spelling understood and everything else refused in words")
    func address() throws {
        for (text, url) in [
            ("https://global.example.com:5685", "https://global.example.com:5685"), ("https://10.0.0.1/", "https://10.0.0.1:5685"),
            ("https://[fd00::1]", "https://[fd00::1]:5685"), ("grpcs://global:5685", "https://global:5685"),
        ] {
            let address = try GlobalControlPlaneAddress(text)
            #expect(address.url == url && address.isKumaSpelling == text.hasPrefix("grpcs"))
        }
        for text in ["", "global:5685", "http://global:5685", "https://", "https://a b", "https://global/path", "https://me@global"] {
            #expect(throws: Violation.self, "\(text)") { try GlobalControlPlaneAddress(text) }
        }
    }
}
