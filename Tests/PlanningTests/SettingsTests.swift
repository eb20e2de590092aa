import Foundation
import JSONModel
import MeshModel
import Planning
import TestKit
import Testing
import YAMLDocument

@Suite("Settings")
struct SettingsTests {
    @Test("The chart's settings are read")
    func chart() throws {
        let settings = try EgretSettings(
            try YAMLDocument.parseOne(
                """
                zone: "west"
                egress: {enabled: true, replicas: 2, drainTime: 1m, logLevel: debug, service: {type: NodePort, port: 10002, annotations: {}},
                  podAnnotations: {a: b}, extraLabels: {}, nodeSelector: {kubernetes.io/os: linux}, tolerations: [], affinity: {},
                  resources: {requests: {cpu: 50m}}}
                dataPlane: {image: "registry/egret-dp:1", imagePullPolicy: Always}
                """))
        #expect(settings.zone == "west")
        #expect(settings.egress.isEnabled && settings.egress.replicas == 2 && settings.egress.drainTime == .seconds(60))
        #expect(settings.egress.service.type == "NodePort")
        #expect(settings.dataPlane.image == "registry/egret-dp:1" && settings.dataPlane.pullPolicy == "Always")
    }

    @Test("Every value the chart offers is a setting, with the same default")
    func values() throws {
        let path = "\(Repository.chart)/values.yaml"
        let values = try YAMLDocument.parseOne(String(contentsOfFile: path, encoding: .utf8), file: path)
        let settings = try EgretSettings(["egress": try #require(values.at("kuma", "egress"))])
        #expect(settings == EgretSettings())
    }

    @Test("What is not written has its default")
    func defaults() throws {
        #expect(try EgretSettings([:]) == EgretSettings())
        #expect(!EgretSettings().egress.isEnabled)
    }

    @Test("Everything wrong is named at once")
    func wrong() {
        let json: JSON = [
            "zone": "East!", "egres": [:],
            "egress": [
                "enabled": "yes", "replicas": -1, "drainTime": "soon", "resolvedAddresses": ["deny": ["10.0.0.0/99"], "allow": "all"],
                "service": ["type": "None", "port": 0],
            ],
        ]
        do throws(InvalidResource) {
            _ = try EgretSettings(json)
            Issue.record("accepted")
        } catch {
            #expect(
                error.violations.map(\.field)
                    == [
                        "egres", "zone", "egress.enabled", "egress.replicas", "egress.drainTime", "egress.service.type",
                        "egress.service.port", "egress.resolvedAddresses.deny", "egress.resolvedAddresses.allow",
                    ])
        }
    }
}
