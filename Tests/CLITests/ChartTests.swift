import CLI
import Foundation
import JSONModel
import TestKit
import Testing
import YAMLDocument

/// The chart through the real Helm engine.
@Suite("Chart")
struct ChartTests {
    private func helm(_ arguments: String...) async throws -> CommandResult {
        try await Command.run(Repository.python, ["-B", Repository.helm] + arguments)
    }

    private func template(_ set: [String], namespace: String = "kuma-system") async throws -> String {
        let result = try await Command.run(
            Repository.python,
            ["-B", Repository.helm, "template", "egret", Repository.chart, "-n", namespace] + set.flatMap { ["--set", $0] })
        guard result.status == 0 else { throw CommandFailed(result: result) }
        return result.output
    }

    /// Objects by kind and name, without what tells the two installers apart.
    private func objects(_ text: String) throws -> [String: JSON] {
        var objects: [String: JSON] = [:]
        for var object in try YAMLDocument.parse(text) where object["kind"] != "Namespace" {
            object.set(["metadata", "labels", "app.kubernetes.io/managed-by"], to: nil)
            objects["\(object["kind"]?.string ?? "")/\(object.at("metadata", "name")?.string ?? "")"] = object
        }
        return objects
    }

    @Test("It passes helm lint")
    func lint() async throws {
        let result = try await self.helm("lint", Repository.chart)
        #expect(result.status == 0, "\(result)")
    }

    @Test("Rendering twice gives the same text")
    func sameTwice() async throws {
        #expect(try await self.template(["kuma.egress.enabled=true"]) == self.template(["kuma.egress.enabled=true"]))
    }

    @Test(
        "egretctl prints the objects that Helm makes for the same values",
        arguments: [
            (ControlPlaneManifests.Choices(), [String]()),
            (.init(egressEnabled: true), ["kuma.egress.enabled=true"]),
            (
                .init(namespace: "egress", zone: "east", egressEnabled: true, egressDrainTime: "2m"),
                ["kuma.egress.enabled=true", "kuma.controlPlane.zone=east", "kuma.egress.drainTime=2m"]
            ),
        ])
    func sameObjects(choices: ControlPlaneManifests.Choices, set: [String]) async throws {
        let ours = try self.objects(ControlPlaneManifests.text(choices))
        let helms = try self.objects(try await self.template(set, namespace: choices.namespace))
        #expect(ours.keys.sorted() == helms.keys.sorted())
        for (name, object) in helms { #expect(ours[name] == object, "\(name)") }
    }

    @Test("egretctl's copy and the table of values are up to date")
    func recorded() async throws {
        let result = try await Command.run(
            Repository.python, ["-B", "\(Repository.root)/hack/record.py", Repository.root, "--check"])
        #expect(result.status == 0, "\(result)")
    }

    @Test(
        "A misspelt or impossible value fails the install and is named",
        arguments: [
            ("kuma.egress.enabld=true", "enabld"), ("egress.enabled=true", "egress"), ("kuma.egress.drainTime=fast", "drainTime"),
            ("kuma.egress.service.port=0", "port"), ("kuma.controlPlane.zone=East", "zone"), ("kuma.egress.enabled=maybe", "enabled"),
        ])
    func strict(set: String, named: String) async throws {
        let result = try await self.helm("template", "egret", Repository.chart, "--set", set)
        #expect(result.status != 0)
        #expect(result.errors.contains(named), "\(result)")
    }

    @Test("The settings the chart writes are all of its egress values")
    func settings() async throws {
        let objects = try self.objects(try await self.template(["kuma.egress.enabled=true", "kuma.controlPlane.zone=east"]))
        let text = try #require(objects["ConfigMap/egret-config"]?.at("data", "config.yaml")?.string)
        let settings = try YAMLDocument.parseOne(text)
        let values = try YAMLDocument.parseOne(String(contentsOfFile: "\(Repository.chart)/values.yaml", encoding: .utf8))
        var egress = try #require(values.at("kuma", "egress"))
        egress["enabled"] = true
        #expect(settings["egress"] == egress)
        #expect(settings["zone"] == "east")
    }

    @Test("Chart, application and programs have one version")
    func version() throws {
        let chart = try YAMLDocument.parseOne(String(contentsOfFile: "\(Repository.chart)/Chart.yaml", encoding: .utf8))
        #expect(chart["appVersion"] == JSON(EgretVersion.current))
        #expect(chart["version"] == JSON(EgretVersion.current))
    }

    @Test("Nothing in it is a hook, random or a time")
    func noHooks() async throws {
        for file in try FileManager.default.contentsOfDirectory(atPath: "\(Repository.chart)/templates") {
            let text = try String(contentsOfFile: "\(Repository.chart)/templates/\(file)", encoding: .utf8)
            for word in ["helm.sh/hook", "rand", "now", "genCA", "uuidv4"] where file != "NOTES.txt" {
                #expect(!text.contains("{{ \(word)") && !text.contains("helm.sh/hook"), "\(file) uses \(word)")
            }
        }
    }
}
