import Foundation
import Glibc
import Identity
import JSONModel
import TestKit
import Testing

/// Real `egret-dp` processes with a file instead of a control plane.
@Suite(.serialized, .timeLimit(.minutes(2))) struct StaticReloadTests {
    private static func file(name: String, more: String = "") -> String {
        """
        trust: [{mesh: default, ca: ca.crt}]
        identities: [{mesh: default, certificate: zone-egress.crt, key: zone-egress.key}]
        listeners:
          - name: egress
            address: 127.0.0.1
            port: 0
            routes:
              - {sni: ["\(name)"], terminate: {mesh: default, allow: ["spiffe://default/*"], cluster: ext}}
        clusters:
          - {name: ext, endpoints: [{address: 127.0.0.1, port: 9}]}
        \(more)
        """
    }

    /// The subject's SPIFFE id of the certificate that the egress presents, or nil.
    private static func presented(_ port: UInt16, _ name: String) async throws -> String? {
        let command =
            "openssl s_client -connect 127.0.0.1:\(port) -servername \(name) </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName"
        let output = try await Command.run("sh", ["-c", command]).output
        return output.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("URI:") }.map { String($0.dropFirst(4)) }
    }

    @Test("a changed file serves by itself, and on SIGHUP, also when a link on the way to it is swapped")
    func changes() async throws {
        let proxy = try StaticProxy()
        try proxy.folder.write("egress.yaml", Self.file(name: "a.test"))
        // As Kubernetes mounts a ConfigMap: file → ..data/file, ..data → a folder of its own per version.
        let files = FileManager.default
        for (version, name) in [("v1", "a.test"), ("v2", "b.test")] {
            try files.createDirectory(atPath: proxy.folder.path(version), withIntermediateDirectories: true)
            try proxy.folder.write("\(version)/mounted.yaml", Self.file(name: name))
            for pem in ["ca.crt", "zone-egress.crt", "zone-egress.key"] {
                try files.copyItem(atPath: proxy.folder.path(pem), toPath: proxy.folder.path("\(version)/\(pem)"))
            }
        }
        try files.createSymbolicLink(atPath: proxy.folder.path("..data"), withDestinationPath: "v1")
        for link in ["mounted.yaml"] {
            try files.createSymbolicLink(atPath: proxy.folder.path(link), withDestinationPath: "..data/\(link)")
        }
        try await proxy.run(file: "mounted.yaml") { egress in
            let port = try await egress.port(of: "egress")
            #expect(try await egress.generation() == 1)
            #expect(try await Self.presented(port, "a.test") == "spiffe://default/zone-egress")
            #expect(try await Self.presented(port, "b.test") == nil)

            try files.createSymbolicLink(atPath: proxy.folder.path("..new"), withDestinationPath: "v2")
            #expect(rename(proxy.folder.path("..new"), proxy.folder.path("..data")) == 0)
            try await egress.wait(forGeneration: 2)
            #expect(try await Self.presented(port, "b.test") == "spiffe://default/zone-egress")
            #expect(try await Self.presented(port, "a.test") == nil)

            egress.process.send(SIGHUP)
            try await egress.process.line(containing: "nothing has changed")
            try proxy.folder.write("mounted.new", Self.file(name: "c.test"))
            #expect(rename(proxy.folder.path("mounted.new"), proxy.folder.path("mounted.yaml")) == 0)
            egress.process.send(SIGHUP)
            try await egress.wait(forGeneration: 3)
            #expect(try await Self.presented(port, "c.test") == "spiffe://default/zone-egress")
            // The listener of the first file is still the one that serves.
            #expect(try await egress.port(of: "egress") == port)
        }
    }

    @Test("a file with an error of syntax or an unknown key is refused whole, and the last good one keeps serving")
    func refusedWhole() async throws {
        let proxy = try StaticProxy()
        try await proxy.run(Self.file(name: "a.test")) { egress in
            let port = try await egress.port(of: "egress")
            for (count, text) in [Self.file(name: "b.test", more: "- ]"), Self.file(name: "b.test", more: "worker: 1")].enumerated() {
                try proxy.folder.write("egress.yaml", text)
                egress.process.send(SIGHUP)
                try await eventually("refusal \(count + 1) is counted") {
                    try await egress.metric("egret_config_reload_errors_total{scope=\"whole\"}") == Double(count + 1) ? true : nil
                }
                #expect(try await Self.presented(port, "a.test") == "spiffe://default/zone-egress")
                #expect(try await egress.metric("egret_config_current") == 0)
                #expect(try await egress.generation() == 1)
            }
            let line = try await egress.process.line(containing: "worker: is not a known key; did you mean workers?")
            #expect(line.contains("The new configuration is refused; the last good one keeps serving"))
            let page = try JSON(parsing: try await egress.get("/config").text)
            #expect(page.at("refused", "problems")?[0]?.string?.hasSuffix("did you mean workers?") == true)

            try proxy.folder.write("egress.yaml", Self.file(name: "b.test"))
            try await egress.wait(forGeneration: 2)
            #expect(try await egress.metric("egret_config_current") == 1)
            #expect(try await Self.presented(port, "b.test") == "spiffe://default/zone-egress")
        }
    }

    @Test("a certificate, a cluster or a route that cannot be used is refused alone")
    func refusedItems() async throws {
        let proxy = try StaticProxy()
        let tls = "  - {name: api, endpoints: [{address: 127.0.0.1, port: 9}], tls: {serverName: a.test, ca: partner.crt}}"
        try proxy.folder.write("partner.crt", proxy.mesh.certificate.pem)
        try await proxy.run(Self.file(name: "a.test", more: tls)) { egress in
            let port = try await egress.port(of: "egress")
            #expect(try await egress.metric("egret_config_errors") == 0)

            // A file that is named, not the one that names it.
            try proxy.folder.write("zone-egress.crt", "no certificate")
            try await egress.wait(forGeneration: 2)
            let identity = try await egress.process.line(containing: "item=\"identity default\"")
            #expect(identity.contains("the one before is still presented"))
            #expect(try await Self.presented(port, "a.test") == "spiffe://default/zone-egress")

            try proxy.folder.write("partner.crt", "no certificate")
            try await egress.wait(forGeneration: 3)
            let cluster = try await egress.process.line(containing: "item=\"cluster api\"")
            #expect(cluster.contains("it is served as it was before"))
            #expect(try await egress.get("/config").text.contains("BEGIN CERTIFICATE"))

            try proxy.folder.write("egress.yaml", Self.file(name: "10.0.0.1", more: tls))
            try await egress.wait(forGeneration: 4)
            let route = try await egress.process.line(containing: "item=\"route egress/0\"")
            #expect(route.contains("is an IP address"))
            #expect(try await egress.metric("egret_config_errors") == 3)
            #expect(try await egress.metric("egret_config_reload_errors_total{scope=\"item\"}") == 6)
            #expect(try await egress.metric("egret_config_reload_errors_total{scope=\"whole\"}") == 0)

            // Mended, and renewed under another name at the same time.
            try proxy.writeIdentity("renewed", as: "zone-egress")
            try proxy.folder.write("partner.crt", proxy.mesh.certificate.pem)
            try proxy.folder.write("egress.yaml", Self.file(name: "a.test", more: tls))
            try await eventually("everything is served") { try await egress.metric("egret_config_errors") == 0 ? true : nil }
            #expect(try await Self.presented(port, "a.test") == "spiffe://default/renewed")
        }
    }

    @Test("check says all that is wrong with a file, and fails if anything is")
    func check() async throws {
        let proxy = try StaticProxy()
        let program = Repository.program("egret-dp")
        func check(_ text: String) async throws -> CommandResult {
            try proxy.folder.write("egress.yaml", text)
            return try await Command.run(program, ["check", "--static-config", proxy.folder.path("egress.yaml")])
        }
        let good = try await check(Self.file(name: "a.test"))
        #expect(good.status == 0 && good.output.hasSuffix("egress.yaml: 1 listener, 1 route, 1 cluster\n"))

        let item = try await check(Self.file(name: "a.test", more: "  - {name: api, endpoints: [], tls: {ca: missing.crt}}"))
        #expect(item.status == 1)
        #expect(item.errors.contains("cluster api: the CA should be in missing.crt, which does not exist"))

        let whole = try await check(Self.file(name: "a.test", more: "worker: 1\nworkers: none"))
        #expect(whole.status == 1)
        #expect(whole.errors.contains("did you mean workers?") && whole.errors.contains("must be an integer"))

        let started = try await Command.run(program, ["run", "--static-config", proxy.folder.path("egress.yaml")])
        #expect(started.status == 1 && started.errors.contains("the configuration is refused"))
    }

    @Test("keys may be PKCS#8, SEC1 or PKCS#1")
    func keyForms() async throws {
        let proxy = try StaticProxy()
        let script = """
            cd '\(proxy.folder.path(""))'
            openssl ecparam -name prime256v1 -genkey -out sec1.key
            openssl pkcs8 -topk8 -nocrypt -in sec1.key -out pkcs8.key
            openssl genrsa -traditional -out pkcs1.key 2048
            for form in sec1 pkcs8 pkcs1; do
              openssl req -x509 -key $form.key -days 1 -subj /CN=$form -addext subjectAltName=URI:spiffe://$form/zone-egress -out $form.crt
            done
            """
        #expect(try await Command.run("sh", ["-ec", script]).status == 0)
        #expect(try String(contentsOfFile: proxy.folder.path("sec1.key"), encoding: .utf8).contains("BEGIN EC PRIVATE KEY"))
        #expect(try String(contentsOfFile: proxy.folder.path("pkcs1.key"), encoding: .utf8).contains("BEGIN RSA PRIVATE KEY"))
        let forms = ["sec1", "pkcs8", "pkcs1"]
        let text =
            "trust:\n" + forms.map { "  - {mesh: \($0), ca: \($0).crt}\n" }.joined()
            + "identities:\n" + forms.map { "  - {mesh: \($0), certificate: \($0).crt, key: \($0).key}\n" }.joined()
            + "listeners:\n  - name: egress\n    address: 127.0.0.1\n    port: 0\n    routes:\n"
            + forms.map { "      - {sni: [\($0).test], terminate: {mesh: \($0), allow: [], cluster: none}}\n" }.joined()
            + "clusters: [{name: none, endpoints: []}]\n"
        try await proxy.run(text) { egress in
            let port = try await egress.port(of: "egress")
            for form in forms {
                #expect(try await Self.presented(port, "\(form).test") == "spiffe://\(form)/zone-egress")
                #expect(try await egress.metric("egret_certificate_expiry_seconds{mesh=\"\(form)\"}") > 80000)
            }
        }
    }
}
