import Routing

/// Who the other side of a handshake is, as its certificate says and the CA vouches.
struct VerifiedPeer: Sendable {
    /// The names by which callers are told apart: SPIFFE ids, of which a workload of several services has several, and
    /// `kuma://<tag>/<value>` for its tags.
    var names: [String]
    /// The time in which every certificate of the chain is valid, seconds since 1970.
    var notBefore: Int64
    var notAfter: Int64

    static let idScheme = "spiffe://"
    var spiffeIDs: [String] { self.names.filter { $0.hasPrefix(Self.idScheme) } }
    var tagNames: [String] { self.names.filter { $0.hasPrefix(CallerName.tagScheme) } }

    func isValid(at now: Int64) -> Bool { self.notBefore <= now && now <= self.notAfter }
}

/// Why a chain is not believed.
struct ChainFailure: Error, Hashable {
    /// For people: `certificate has expired`.
    var reason: String
    /// The TLS alert that says so (RFC 8446 section 6.2).
    var alert: UInt8
}

/// What the name of a server's certificate has to be, beyond a chain to a CA.
enum ExpectedName: Hashable, Sendable {
    case any
    case host(String)
    /// 4 or 16 bytes.
    case address([UInt8])
    /// Any of these.
    indirect case either(ExpectedName, [NameMatch])
}
