import MeshModel
import Testing

@Suite("SNI")
struct SNITests {
    @Test(
        "The tag form is written with sorted keys and read back",
        arguments: [
            (
                ["kuma.io/service": "backend", "version": "v1", "env": "prod", "region": "eu", "app": "backend-app"],
                "backend{app=backend-app,env=prod,region=eu,version=v1}"
            ),
            (["kuma.io/service": "backend"], "backend"),
            (
                ["kuma.io/service": "test-server_ze-internal_svc_80", "mesh": "ze-internal"],
                "test-server_ze-internal_svc_80{mesh=ze-internal}"
            ),
        ])
    func tagForm(tags: [String: String], text: String) throws {
        let sni = TagSNI(service: tags["kuma.io/service"] ?? "", tags: tags)
        #expect(sni.text == text)
        #expect(try TagSNI(parsing: text) == sni)
    }

    @Test("Names between zone proxies always say the mesh")
    func mesh() throws {
        let sni = TagSNI(service: try ServiceName("backend"), mesh: try MeshName("demo"), tags: ["version": "2"])
        #expect(sni.text == "backend{mesh=demo,version=2}")
    }

    @Test(
        "Broken tag forms are refused in words that can be searched for",
        arguments: [
            ("backend{", "invalid format of tags, pairs should be separated by , and key should be separated from value by ="),
            ("backend{a=b", "invalid format of tags, pairs should be separated by , and key should be separated from value by ="),
            ("backend{a}", "invalid format of tags, pairs should be separated by , and key should be separated from value by ="),
            ("backend{a=b}{c=d}", "cannot parse tags from sni: backend{a=b}{c=d}"),
        ])
    func broken(text: String, message: String) {
        #expect(throws: Violation(field: "sni", message: message)) { try TagSNI(parsing: text) }
    }

    @Test("The hash form of 2.8")
    func hashForm() throws {
        let a62 = String(repeating: "a", count: 62)
        let b62 = String(repeating: "b", count: 62)
        let vectors: [(HashSNI, String)] = [
            (HashSNI(name: "backend", mesh: "demo", port: 8080, kind: .service), "ae10a8071b8a8eeb8.backend.8080.demo.ms"),
            (
                HashSNI(name: "backend", mesh: "demo", port: 8080, kind: .service, tags: ["x": "a"]),
                "a333a125865a97632.backend.8080.demo.ms"
            ),
            (
                HashSNI(name: "\(a62)-qwe", mesh: "\(b62)-qwe", port: 8080, kind: .service, tags: ["x": "a"]),
                "a5b91d8a08567bf09.\(a62)x.8080.\(b62)x.ms"
            ),
            (HashSNI(name: "backend", mesh: "demo", port: 8080, kind: .multiZone), "ae10a8071b8a8eeb8.backend.8080.demo.mzms"),
        ]
        for (sni, text) in vectors {
            #expect(sni.text == text)
            #expect(try SNI(parsing: text) == .hash(sni))
        }
        #expect(HashSNI(parsing: "ae10a8071b8a8eeb8.backend.ns.8080.demo.mes")?.name == "backend.ns")
        #expect(HashSNI(parsing: "backend{mesh=demo}") == nil)
    }

    @Test(
        "The resource form of 2.14",
        arguments: [
            "sni.msvc.default.backend.http", "sni.msvc.default.east.backend.http", "sni.extsvc.prod.west.external-ns.ext-backend.9000",
            "sni.mzsvc.default.global-svc.8080",
        ])
    func resourceForm(text: String) throws {
        #expect(try SNI(parsing: text).text == text)
    }

    @Test("A namespace without a zone is left out, and lengths are kept in bounds")
    func resourceFormLimits() throws {
        let sni = try ResourceSNI(kind: .service, mesh: "m", namespace: "ns", name: "n", section: "http")
        #expect(sni.text == "sni.msvc.m.n.http")
        #expect(throws: Violation(field: "sni", message: "mesh, name and sectionName must be non-empty")) {
            try ResourceSNI(kind: .service, mesh: "", name: "n", section: "http")
        }
        #expect(throws: Violation(field: "sni", message: "computed SNI is 269 characters which exceeds the DNS hostname limit (253)")) {
            try ResourceSNI(kind: .service, mesh: "m", name: String(repeating: "n", count: 253), section: "http")
        }
    }
}
