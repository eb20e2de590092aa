import ConfigSync
import FoundationEssentials

/// Where a proxy keeps what it needs to serve after a restart without its control plane: the last good configuration and, where
/// that is wanted, its keys.
struct StateFolder: Sendable {
    let path: String
    /// Keys are kept, and nothing that goes with a key is left out.
    let keepsKeys: Bool
    let owner: SavedConfig.Owner

    private static let maxBytes = 512 << 20

    var configPath: String { self.path + "/config" }
    var identitiesPath: String { self.path + "/identities" }

    /// A certificate with its key.
    struct Identity: Codable, Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
        var mesh: String
        var spiffeID: String
        /// PEM, leaf first.
        var chain: String
        /// PEM.
        var key: String

        var description: String { "Identity(mesh: \(self.mesh), spiffeID: \(self.spiffeID), key: …)" }
        var debugDescription: String { self.description }
    }

    private struct Identities: Codable {
        var owner: SavedConfig.Owner
        var identities: [Identity]
        private enum CodingKeys: String, CodingKey {
            case owner = "egret-dp"
            case identities
        }
    }

    /// What cannot be used, in a sentence that names the file.
    struct Unusable: Error, CustomStringConvertible {
        var description: String
    }

    func config() throws(Unusable) -> ConfigText? {
        guard let bytes = try Self.read(self.configPath) else { return nil }
        do { return try SavedConfig.read(bytes, owner: self.owner) } catch { throw Unusable(description: "\(self.configPath) \(error)") }
    }

    func identities() throws(Unusable) -> [Identity] {
        guard self.keepsKeys, let bytes = try Self.read(self.identitiesPath) else { return [] }
        // The error would quote the text.
        guard let saved = try? JSONDecoder().decode(Identities.self, from: Data(bytes)) else {
            throw Unusable(description: "\(self.identitiesPath) is damaged: it is not as this program writes it")
        }
        do { try self.owner.check(saved.owner) } catch { throw Unusable(description: "\(self.identitiesPath) \(error)") }
        return saved.identities
    }

    func save(_ text: ConfigText) throws(Unusable) {
        try Self.write(self.configPath, SavedConfig.parts(self.keepsKeys ? text : text.withoutKeys, owner: self.owner))
    }

    func save(_ identities: [Identity]) throws(Unusable) {
        guard self.keepsKeys else { return }
        guard let data = try? JSONEncoder().encode(Identities(owner: self.owner, identities: identities)) else {
            preconditionFailure("identities always encode")
        }
        try Self.write(self.identitiesPath, [Array(data)])
    }

    /// Makes the folder where it is missing.
    func prepare() throws(Unusable) {
        var isFolder = false
        if FileManager.default.fileExists(atPath: self.path, isDirectory: &isFolder) {
            if !isFolder { throw Unusable(description: "\(self.path) is no folder") }
            return
        }
        do {
            try FileManager.default.createDirectory(
                atPath: self.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Unusable(description: "\(self.path) cannot be made: \(error)")
        }
    }

    private static func read(_ path: String) throws(Unusable) -> [UInt8]? {
        do { return try PrivateFile.read(path, maxBytes: Self.maxBytes) } catch { throw Unusable(description: "\(path) \(error)") }
    }

    private static func write(_ path: String, _ parts: [[UInt8]]) throws(Unusable) {
        do { try PrivateFile.write(path, parts) } catch { throw Unusable(description: "\(path) \(error)") }
    }
}
