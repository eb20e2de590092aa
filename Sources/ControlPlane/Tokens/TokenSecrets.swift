package import FoundationEssentials
package import Tokens

/// Where signing keys and revocations are kept: secrets under Kuma's names, of the mesh for dataplane tokens, of the whole
/// control plane for the others.
package protocol TokenSecrets: Sendable {
    typealias Purpose = TokenKeyNames.Purpose

    /// Those in the place of a purpose's keys, as they are known now; others are among them.
    func secrets(_ purpose: Purpose) -> [TokenSecret]

    /// Makes a secret where there is none. Returns its text: ours, or that of whoever was faster.
    func create(_ name: String, text: String, for purpose: Purpose, now: Date) async throws -> String
}

/// A secret that may be a key or a list of revocations.
package struct TokenSecret: Sendable {
    package var name: String
    /// Another one whenever the text may be another.
    package var version: String
    /// Nil where it is no text.
    package var text: String?

    package init(name: String, version: String, text: String?) {
        self.name = name
        self.version = version
        self.text = text
    }
}
