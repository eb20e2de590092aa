import ArgumentParser
import CLI
import JSONModel
import TestKit
import Testing
import YAMLDocument

@Suite("egretctl install control-plane")
struct InstallTests {
    @Test("The default manifests, definitions aside, are the golden ones")
    func golden() {
        let documents = ControlPlaneManifests.text(.init()).split(separator: "---\n")
        let text = documents.filter { !$0.contains("kind: CustomResourceDefinition") }.joined(separator: "---\n")
        expectGolden(text, "install-control-plane.yaml")
    }

    @Test("No slot stays empty")
    func slots() {
        let text = ControlPlaneManifests.text(
            .init(namespace: "ns", zone: "z", egressEnabled: true, egressDrainTime: "5s", ingressEnabled: true))
        #expect(!text.contains("@{"))
        #expect(!text.contains("kuma-system"))
    }

    @Test("A namespace comes first, because kubectl has no --create-namespace")
    func namespaceFirst() throws {
        let objects = try YAMLDocument.parse(ControlPlaneManifests.text(.init(namespace: "egress")))
        #expect(objects.first?["kind"] == "Namespace")
        #expect(objects.first?.at("metadata", "name") == "egress")
    }

    @Test(
        "A wrong flag is one sentence that names it and says how to mend it",
        arguments: [
            (ControlPlaneManifests.Choices(namespace: "Kuma"), "--namespace 'Kuma'"),
            (ControlPlaneManifests.Choices(namespace: ""), "--namespace ''"),
            (ControlPlaneManifests.Choices(namespace: String(repeating: "a", count: 64)), "--namespace"),
            (ControlPlaneManifests.Choices(zone: "east\nkind: Secret"), "--zone"),
            (ControlPlaneManifests.Choices(zone: "-east"), "--zone '-east'"),
            (ControlPlaneManifests.Choices(egressDrainTime: "30"), "--egress-drain-time '30'"),
            (ControlPlaneManifests.Choices(ingressDrainTime: "soon"), "--ingress-drain-time 'soon'"),
            (ControlPlaneManifests.Choices(egressDrainTime: "1m30s"), "--egress-drain-time '1m30s'"),
        ])
    func complaints(choices: ControlPlaneManifests.Choices, start: String) throws {
        let complaint = try #require(choices.complaint)
        #expect(complaint.hasPrefix(start))
        #expect(complaint.hasSuffix("."))
    }

    @Test("A misspelt flag is refused")
    func misspelt() {
        #expect(throws: (any Error).self) { try Egretctl.parseAsRoot(["install", "control-plane", "--egress-enable"]) }
        #expect(throws: (any Error).self) { try Egretctl.parseAsRoot(["install", "controlplane"]) }
    }
}
