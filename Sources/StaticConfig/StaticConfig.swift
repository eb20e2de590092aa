package import Routing

/// What a proxy without a control plane obeys, as one file says it: the same `ProxyConfig`, the certificates themselves, and
/// the settings of the process. The format is described in `docs/static-config.md`.
package struct StaticConfig: Hashable, Sendable {
    package var config = ProxyConfig()
    package var identities: [StaticIdentity] = []
    package var settings = StaticSettings()
    /// Items that are not served as written. The rest is.
    package var errors: [ItemError] = []
    /// The files that were read for it, as paths that can be opened; in the order of their mention, each once.
    package var files: [String] = []

    package init() {}
}

/// A certificate of this proxy, with its key. Its description never shows the key.
package struct StaticIdentity: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package var mesh: String
    /// PEM, leaf first.
    package var certificate: String
    /// PEM: PKCS#8, SEC1 or PKCS#1.
    package var key: String

    package var description: String { "StaticIdentity(mesh: \(self.mesh), key: …)" }
    package var debugDescription: String { self.description }
}

/// Settings that are read once, at start. Nil means the product's default.
package struct StaticSettings: Hashable, Sendable {
    package var adminAddress: String?
    package var adminPort: Int?
    package var workers: Int?
    package var accessLog: AccessLog?
    package var maxHelloBytes: Int?
    package var connectAttempts: Int?
    package var timeouts = Timeouts()

    package enum AccessLog: String, CaseIterable, Hashable, Sendable {
        /// One line for each connection, when it ends.
        case all
        /// Lines for refused connections only.
        case refused
    }

    package struct Timeouts: Hashable, Sendable {
        package var hello: Duration?
        package var connect: Duration?
        package var idle: Duration?
        package var handshake: Duration?
        package var linger: Duration?
        package var peer: Duration?
        package var keepAlive: Duration?
    }
}

/// A file that is refused whole: every reason at once, each with its place.
package struct InvalidStaticConfig: Error, Hashable, Sendable, CustomStringConvertible {
    package var problems: [String]

    package var description: String { self.problems.joined(separator: "\n") }
}
