import JSONModel
package import KubeAPI
import MeshModel
package import Planning
import YAMLDocument

/// The ConfigMap `egret-config` as settings. A change that cannot be read leaves the last good settings in force.
package struct SettingsReader: Sendable {
    package static let configMapName = "egret-config"
    package static let key = "config.yaml"

    /// The newest settings that made sense; nil before the first.
    package private(set) var settings: EgretSettings?
    /// Why the newest ConfigMap is not what is in force, in a sentence.
    package private(set) var problem: String?
    private var seen = Seen.nothing

    private enum Seen: Equatable {
        case nothing, noObject, fixed
        /// With its text; nil: without the key.
        case object(String?)
    }

    package init() {}

    /// Takes settings that come from elsewhere and do not change.
    package mutating func fix(_ settings: EgretSettings) -> Bool {
        if self.seen == .fixed { return false }
        self.seen = .fixed
        self.settings = settings
        return true
    }

    /// Takes the ConfigMap as it is now. Returns whether `settings` or `problem` changed.
    package mutating func read(_ configMap: KubeObject?, namespace: String) -> Bool {
        let now = configMap.map { Seen.object($0["data"]?[Self.key]?.string) } ?? .noObject
        if now == self.seen { return false }
        self.seen = now
        let before = (self.settings, self.problem)
        guard case .object(let text) = now else {
            self.problem = Self.missing(namespace)
            return before != (self.settings, self.problem)
        }
        do {
            self.settings = try Self.parse(text, namespace: namespace)
            self.problem = nil
        } catch {
            self.problem = error.sentence
        }
        return before != (self.settings, self.problem)
    }

    private static func missing(_ namespace: String) -> String {
        "there is no ConfigMap \(namespace)/\(Self.configMapName); install the chart or create it with the key \(Self.key)"
    }

    private struct Unreadable: Error { var sentence: String }

    private static func parse(_ text: String?, namespace: String) throws(Unreadable) -> EgretSettings {
        let name = "ConfigMap \(namespace)/\(Self.configMapName)"
        guard let text else { throw Unreadable(sentence: "\(name) has no key \(Self.key)") }
        do {
            let json = try YAMLDocument.parseOne(text, file: Self.key)
            var settings = try EgretSettings(json.isNull ? .object([:]) : json)
            settings.tokens = try settings.tokens.resolved()
            return settings
        } catch {
            throw Unreadable(sentence: "\(name) cannot be used: \(error)")
        }
    }
}
