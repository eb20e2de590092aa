import FoundationEssentials
package import MeshModel
package import Planning
import Tokens

extension TokenSettings {
    /// The settings with every key read and proven to be one.
    /// - Throws: what is wrong with which of them.
    package func resolved() throws(InvalidResource) -> TokenSettings {
        var (resolved, violations) = (self, [Violation]())
        for kind in [\TokenSettings.zone, \.dataplane, \.user] {
            for index in resolved[keyPath: kind].publicKeys.indices {
                let key = resolved[keyPath: kind].publicKeys[index]
                do throws(TokenKeyError) {
                    resolved[keyPath: kind].publicKeys[index].pem = try Self.pem(of: key)
                } catch {
                    violations.append(Violation(field: key.field, message: error.description))
                }
            }
        }
        if !violations.isEmpty { throw InvalidResource(violations) }
        return resolved
    }

    private static func pem(of key: PublicKey) throws(TokenKeyError) -> String {
        var text = key.pem ?? ""
        if let file = key.file {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw TokenKeyError(description: "the file \(file) cannot be read")
            }
            text = String(decoding: data, as: UTF8.self)
        }
        return try VerificationKey(id: key.id, pem: text, what: key.file ?? "the text").pem
    }
}
