import FoundationEssentials
import JSONModel
import KubeAPI
import MeshModel

/// A certificate or key that is not to be had, and why.
struct MissingSource: Error, Hashable, Sendable {
    let reason: Reason
    let sentence: String
}

/// What became of reading a file that an external service names.
package enum FileText: Hashable, Sendable {
    case text(String)
    /// Not there, not to be read, not a file of text.
    case unreadable
    /// Not in the one folder that is read for external services.
    case outside(folder: String)
    /// There is no such folder.
    case notOffered
}

/// Resolves data sources on behalf of one mesh.
struct MeshSecrets {
    let objects: Objects
    let namespace: String
    let mesh: MeshName
    let home: Home
    let files: [String: FileText]

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
        case .file(let path): return try self.file(path)
        case .secret(let name): return try self.secret(name)
        }
    }

    /// Whoever may write external services must not read the control plane's own files through them: in a cluster none is read,
    /// elsewhere those of one folder.
    private func file(_ path: String) throws(MissingSource) -> String {
        switch self.files[path] ?? .notOffered {
        case .text(let text): return text
        case .unreadable:
            throw MissingSource(
                reason: .fileUnreadable,
                sentence: "the file \(path) cannot be read by the control plane. Next: put PEM text there that its user may read")
        case .outside(let folder):
            throw MissingSource(
                reason: .invalidSpec,
                sentence: "the file \(path) is not in \(folder), the folder that is read for external services. Next: put it there")
        case .notOffered:
            throw MissingSource(
                reason: .unsupported,
                sentence: self.home == .kubernetes
                    ? "in a cluster no files of the control plane are read for external services. Next: use secret, inline or inlineString instead of file \(path)"
                    : "the file \(path) is not read: this control plane has no folder of files for external services. Next: egret-cp run --files-dir, or use secret, inline or inlineString"
            )
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
