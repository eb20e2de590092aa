import FoundationEssentials
import JSONModel
import KubeAPI
import MeshModel

/// A certificate or key that is not to be had, and why.
struct MissingSource: Error, Hashable, Sendable {
    let reason: Reason
    let sentence: String
}

/// Resolves data sources on behalf of one mesh.
struct MeshSecrets {
    let objects: Objects
    let namespace: String
    let mesh: MeshName

    static let type = "system.kuma.io/secret"

    func certificate(_ source: DataSource) throws(MissingSource) -> String {
        let text = try self.text(source)
        if let problem = PEM.problem(text, label: "CERTIFICATE", what: "PEM certificate") {
            throw MissingSource(reason: .invalidSpec, sentence: "\(Self.name(source)) \(problem)")
        }
        return text
    }

    func privateKey(_ source: DataSource) throws(MissingSource) -> String {
        let text = try self.text(source)
        if let problem = PEM.problem(text, label: "PRIVATE KEY", what: "PEM private key") {
            throw MissingSource(reason: .invalidSpec, sentence: "\(Self.name(source)) \(problem)")
        }
        return text
    }

    private func text(_ source: DataSource) throws(MissingSource) -> String {
        switch source {
        case .inlineString(let text): return text
        case .inline(let base64):
            guard let data = Data(base64Encoded: base64, options: .ignoreUnknownCharacters) else {
                throw MissingSource(reason: .invalidSpec, sentence: "\(Self.name(source)) is not base64")
            }
            return String(decoding: data, as: UTF8.self)
        case .file:
            throw MissingSource(
                reason: .unsupported, sentence: "a file of the control plane is not read for external services; use secret or inline")
        case .secret(let name): return try self.secret(name)
        }
    }

    /// Whoever may write a mesh's objects must not read other Secrets through them: only Secrets of the mesh type, made
    /// for this mesh, and never the keys of an authority.
    private func secret(_ name: String) throws(MissingSource) -> String {
        let secret = self.objects[.secrets, namespace: self.namespace, name: name]
        guard let secret, secret["type"]?.string == Self.type,
            (secret.metadata.labels["kuma.io/mesh"] ?? MeshName.default.text) == self.mesh.text, !name.contains(".ca-builtin-")
        else {
            throw MissingSource(
                reason: .secretNotFound,
                sentence: "there is no Secret \(self.namespace)/\(name) of type \(Self.type) with the label kuma.io/mesh: \(self.mesh)")
        }
        return try Self.value(of: secret)
    }

    static func value(of secret: KubeObject) throws(MissingSource) -> String {
        guard let data = secret["data"]?["value"]?.string.flatMap({ Data(base64Encoded: $0) }), !data.isEmpty else {
            throw MissingSource(reason: .secretNotFound, sentence: "Secret \(secret.key) has no key named value")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private static func name(_ source: DataSource) -> String {
        switch source {
        case .secret(let name): "Secret \(name)"
        case .inline: "inline"
        case .inlineString: "inlineString"
        case .file(let path): path
        }
    }
}
