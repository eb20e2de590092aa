import ControlPlane
import JSONModel
import KubeAPI
import Planning
import Testing

struct SettingsReaderTests {
    private static func configMap(_ text: String?) -> KubeObject {
        var object = KubeObject(.configMaps, name: "egret-config", namespace: "kuma-system")
        object["data"] = text.map { ["config.yaml": .string($0)] } ?? [:]
        return object
    }

    private static func read(_ reader: inout SettingsReader, _ configMap: KubeObject?) -> Bool {
        reader.read(configMap, namespace: "kuma-system")
    }

    @Test("Good settings are in force at once, and told once")
    func good() {
        var reader = SettingsReader()
        #expect(Self.read(&reader, Self.configMap("zone: east\negress: {enabled: true}\n")))
        #expect(reader.settings?.zone == "east" && reader.settings?.egress.isEnabled == true && reader.problem == nil)
        #expect(!Self.read(&reader, Self.configMap("zone: east\negress: {enabled: true}\n")))
    }

    @Test("Without the object nothing is assumed: no egress is removed because a ConfigMap is late")
    func missing() {
        var reader = SettingsReader()
        #expect(Self.read(&reader, nil))
        #expect(reader.settings == nil)
        #expect(
            reader.problem
                == "there is no ConfigMap kuma-system/egret-config; install the chart or create it with the key config.yaml")
        #expect(!Self.read(&reader, nil))
        #expect(Self.read(&reader, Self.configMap("")))
        #expect(reader.settings == EgretSettings() && reader.problem == nil)
    }

    @Test(
        "What cannot be read leaves the last good settings in force and says why",
        arguments: [
            ("zone: [", "ConfigMap kuma-system/egret-config cannot be used: config.yaml"),
            ("egress: {enabld: true}", "ConfigMap kuma-system/egret-config cannot be used: "),
            (nil, "ConfigMap kuma-system/egret-config has no key config.yaml"),
        ])
    func bad(text: String?, problem: String) {
        var reader = SettingsReader()
        _ = Self.read(&reader, Self.configMap("zone: east"))
        #expect(Self.read(&reader, Self.configMap(text)))
        #expect(reader.settings?.zone == "east")
        #expect(reader.problem?.hasPrefix(problem) == true, "\(reader.problem ?? "")")
        #expect(Self.read(&reader, nil))
        #expect(reader.settings?.zone == "east")
    }
}
