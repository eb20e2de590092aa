import FoundationEssentials
import JSONModel
import MeshModel
import Tokens

/// What a document has to be beyond its own kind's rules where there is no Kubernetes.
enum DocumentChecks {
    static func violations(_ document: ResourceDocument) -> [Violation] {
        if document.kind.isSecret { return self.secret(document) }
        // In a cluster a zone proxy without a port is one that the control plane runs; here nobody does.
        if [ResourceKind.zoneEgress.name, ResourceKind.zoneIngress.name].contains(document.kind.name),
            document.spec.at("networking", "port")?.int == nil
        {
            return [Violation(field: "networking.port", message: "port must be in the range [1, 65535]")]
        }
        return []
    }

    /// And of one that a proxy brings: others have to find the proxy.
    static func registrationViolations(_ document: ResourceDocument) -> [Violation] {
        let address = document.spec.at("networking", "address")?.string ?? ""
        guard address.isEmpty else { return self.violations(document) }
        return self.violations(document) + [Violation(field: "networking.address", message: "is missing; others find the proxy by it")]
    }

    /// A key that cannot be read would be found out when the next token is asked for.
    private static func secret(_ document: ResourceDocument) -> [Violation] {
        guard let data = document.spec["data"]?.string.flatMap({ Data(base64Encoded: $0) }) else {
            return [Violation(field: "data", message: "is not base64; write the value as base64 -w0 prints it")]
        }
        let purpose: TokenKeyNames.Purpose? =
            if let mesh = document.mesh {
                .dataplaneTokens(mesh: mesh)
            } else {
                [.zoneTokens, .userTokens].first { document.name.hasPrefix($0.signingKeyStem) || document.name.hasPrefix($0.publicKeyStem) }
            }
        guard let purpose else { return [] }
        let text = String(decoding: data, as: UTF8.self)
        do throws(TokenKeyError) {
            if purpose.serial(ofSigningKey: document.name) != nil { _ = try SigningKey(id: "1", pem: text, what: "the value") }
            if purpose.serial(ofPublicKey: document.name) != nil { _ = try VerificationKey(id: "1", pem: text, what: "the value") }
            return []
        } catch {
            return [Violation(field: "data", message: error.description)]
        }
    }
}
