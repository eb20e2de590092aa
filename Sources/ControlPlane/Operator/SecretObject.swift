import FoundationEssentials
import JSONModel
package import KubeAPI

extension KubeObject {
    /// A new Secret. Values are text; the API wants them in base64.
    package static func secret(
        name: String, namespace: String, type: String, labels: [String: String], texts: [String: String]
    ) -> KubeObject {
        var object = KubeObject(.secrets, name: name, namespace: namespace, labels: labels)
        object["type"] = .string(type)
        object["data"] = .object(texts.mapValues { .string(Data($0.utf8).base64EncodedString()) })
        return object
    }

    /// The text under a key of a Secret's `data`; nil when it is missing or not base64 of UTF-8.
    package func secretText(_ key: String) -> String? {
        guard let encoded = self["data"]?[key]?.string, let data = Data(base64Encoded: encoded) else { return nil }
        return String(validating: data, as: UTF8.self)
    }
}
