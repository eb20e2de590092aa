import FoundationEssentials
import Identity
import Routing
import StaticConfig
import Synchronization
import TLSRelay
import X509

/// The certificates that a static file names. A pair that cannot be used leaves the mesh with the one it had.
final class StaticIdentities: IdentitySource {
    private struct Presented {
        var identity: StaticIdentity
        var chain: [Certificate]
    }

    private let credentials: TLSCredentials
    private let presented = Mutex<[String: Presented]>([:])

    init(credentials: TLSCredentials) { self.credentials = credentials }

    /// Presents these from now on.
    /// - Returns: what the configuration asks for because of them, and what cannot be used.
    func present(_ identities: [StaticIdentity]) -> (requests: [IdentityRequest], errors: [ItemError]) {
        var errors: [ItemError] = []
        let requests = self.presented.withLock { presented in
            identities.compactMap { identity -> IdentityRequest? in
                if presented[identity.mesh]?.identity != identity {
                    do {
                        let chain = try Certificate.bundle(pem: identity.certificate, what: "the certificate of mesh \(identity.mesh)")
                        try self.credentials.setIdentity(mesh: identity.mesh, chainPEM: identity.certificate, keyPEM: identity.key)
                        presented[identity.mesh] = Presented(identity: identity, chain: chain)
                    } catch {
                        let meanwhile = presented[identity.mesh] == nil ? "" : "; the one before is still presented"
                        errors.append(ItemError(item: "identity \(identity.mesh)", message: "\(error)\(meanwhile)"))
                    }
                }
                guard let leaf = presented[identity.mesh]?.chain.first else { return nil }
                return IdentityRequest(mesh: identity.mesh, names: leaf.spiffeID.map { [$0] } ?? [])
            }
        }
        return (requests, errors)
    }

    func want(_ requests: [IdentityRequest]) {
        let dropped = self.presented.withLock { presented in
            let wanted = Set(requests.map(\.mesh))
            let dropped = presented.keys.filter { !wanted.contains($0) }
            for mesh in dropped { presented[mesh] = nil }
            return dropped
        }
        for mesh in dropped { self.credentials.removeIdentity(mesh: mesh) }
    }

    func waitUntilReady(atMost limit: Duration) async {}

    func waitUntilTried(atMost limit: Duration) async {}

    func run() async {}

    var errors: [ItemError] {
        let now = Date()
        return self.expiries.filter { $0.notAfter <= now }.map {
            ItemError(
                item: "identity \($0.mesh)",
                message: "the certificate ended at \($0.notAfter.formatted(.iso8601)); put a new one in its file")
        }
    }

    var certificates: [(mesh: String, chain: [Certificate])] {
        self.presented.withLock { presented in
            presented.map { (mesh: $0.key, chain: $0.value.chain) }.sorted { $0.mesh < $1.mesh }
        }
    }
}

extension Certificate {
    /// The first URI of the certificate that is a SPIFFE id.
    var spiffeID: String? { self.uris.first { $0.hasPrefix("spiffe://") } }

    var uris: [String] {
        guard let names = try? self.extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in if case .uniformResourceIdentifier(let uri) = name { uri } else { nil } }
    }
}
