import FoundationEssentials
import JSONModel
import YAMLDocument

/// A control plane as the configuration of `egretctl` knows it.
struct ControlPlaneEntry: Codable, Hashable, Sendable {
    var name: String
    /// `http://localhost:5681`, without a trailing slash.
    var address: String
    /// File with the token of a user; read at each use.
    var tokenFile: String?
    var caCertFile: String?
    var skipVerify: Bool?
}

/// `~/.egretctl/config`: which control planes there are and which one is meant.
struct CLIConfig: Codable, Hashable, Sendable {
    var current: String?
    var controlPlanes: [ControlPlaneEntry] = []

    static let local = ControlPlaneEntry(name: "local", address: "http://localhost:5681")

    /// The one that commands talk to; this machine's where none is configured.
    var chosen: ControlPlaneEntry { self.controlPlanes.first { $0.name == self.current } ?? Self.local }

    static func path(_ given: String?) -> String {
        if let given { return given }
        let environment = ProcessInfo.processInfo.environment
        return environment["EGRETCTL_CONFIG"] ?? "\(environment["HOME"] ?? ".")/.egretctl/config"
    }

    /// A file that is not there is an empty configuration.
    static func load(_ path: String) throws(CLIFailure) -> CLIConfig {
        guard FileManager.default.fileExists(atPath: path) else { return CLIConfig() }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CLIFailure("the configuration \(path) cannot be read")
        }
        do {
            return try YAMLDocument.parseOne(String(decoding: data, as: UTF8.self), file: path).decoded(as: CLIConfig.self)
        } catch {
            throw CLIFailure("the configuration \(path) is not usable: \(error). Mend it, or delete it and add the control planes again")
        }
    }

    func save(_ path: String) throws(CLIFailure) {
        do {
            let folder = URL(filePath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let text = YAMLDocument.text(try JSON(encoding: self), first: ["current", "controlPlanes", "name", "address"])
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw CLIFailure("could not write the configuration \(path): \(error)")
        }
    }
}

/// Something failed, in one sentence; shown without the usage text.
struct CLIFailure: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
