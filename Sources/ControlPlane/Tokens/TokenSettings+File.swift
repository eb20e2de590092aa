import FoundationEssentials
import MeshModel
package import Planning
import YAMLDocument

/// A configuration file that cannot be used, in a sentence.
package struct UnusableConfigFile: Error, CustomStringConvertible {
    package let description: String
}

extension TokenSettings {
    /// Reads the file of `egret-cp run --config-file`: the parts `dpServer.authn` and `apiServer.authn` of Kuma's configuration.
    package static func read(file: String) throws(UnusableConfigFile) -> TokenSettings {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw UnusableConfigFile(description: "the configuration \(file) cannot be read")
        }
        do {
            let json = try YAMLDocument.parseOne(String(decoding: data, as: UTF8.self), file: file)
            let fields = Fields(json)
            fields.refuseUnknown(["dpServer", "apiServer"])
            let settings = TokenSettings(fields)
            if !fields.violations.isEmpty { throw InvalidResource(fields.violations) }
            return try settings.resolved()
        } catch {
            throw UnusableConfigFile(description: "the configuration \(file) is refused: \(error)")
        }
    }
}
