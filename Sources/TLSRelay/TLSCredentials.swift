import Glibc
package import Routing
import Synchronization

/// The certificates this proxy serves with and believes, as ready TLS contexts: made when something changes, looked up for
/// each connection. A change makes new contexts; connections keep those they began with, and their sessions cannot be
/// resumed under the new ones.
package final class TLSCredentials: Sendable {
    private struct MeshState {
        var trustPEM: String?
        var trust: TrustStore?
        var identity: (chain: Certificates, key: PrivateKey)?
        /// Both nil until there is trust and identity.
        var server: TLSContext?
        var client: TLSContext?

        mutating func makeContexts(_ clock: @escaping @Sendable () -> Int64) throws(InvalidCredentials) {
            guard let identity = self.identity, let trust = self.trust else { return }
            // Requires a client certificate and verifies its chain; who it is, is decided per route.
            let server = try TLSContext(
                .server, certificate: identity, verifier: ChainVerifier(trust, .clients, isMesh: true, clock: clock))
            // The mesh knows SPIFFE ids, not host names: the id is compared once the handshake is done.
            self.client = try TLSContext(
                .client, certificate: identity, verifier: ChainVerifier(trust, .servers, isMesh: true, clock: clock),
                protocols: [MeshTLS.alpn.description])
            self.server = server
        }
    }

    /// What of an `ExternalTLS` makes a context; the server name belongs to the connection.
    private struct ExternalKey: Hashable {
        var ca: String?
        var clientCertificate: ClientCertificate?
        var isVerified: Bool
        var alpn: [String]?
        var minVersion: ExternalTLS.Version?
        var maxVersion: ExternalTLS.Version?

        init(_ tls: ExternalTLS) {
            self.ca = tls.ca
            self.clientCertificate = tls.clientCertificate
            self.isVerified = tls.verify != .none
            self.alpn = tls.alpn
            self.minVersion = tls.minVersion
            self.maxVersion = tls.maxVersion
        }
    }

    private struct State {
        var meshes: [String: MeshState] = [:]
        var external: [ExternalKey: TLSContext] = [:]
        /// Read once: the system's roots are some 150 certificates.
        var systemRoots: TrustStore?
    }

    private let state = Mutex(State())
    private let environment: [String: String]
    private let clock: @Sendable () -> Int64

    package convenience init() {
        self.init(environment: getenv("SSL_CERT_FILE").map { ["SSL_CERT_FILE": String(cString: $0)] } ?? [:])
    }

    /// - Parameter clock: seconds since 1970.
    init(environment: [String: String] = [:], clock: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }) {
        self.environment = environment
        self.clock = clock
    }

    /// Believes exactly `trust` from now on. What cannot be read leaves the mesh with the trust it had.
    package func setTrust(_ trust: [Trust]) -> [ItemError] {
        var errors: [ItemError] = []
        self.state.withLock { state in
            let named = Set(trust.map(\.mesh))
            for mesh in state.meshes.keys where !named.contains(mesh) {
                state.meshes[mesh]?.trust = nil
                state.meshes[mesh]?.trustPEM = nil
                state.meshes[mesh]?.server = nil
                state.meshes[mesh]?.client = nil
            }
            for item in trust where state.meshes[item.mesh]?.trustPEM != item.ca {
                do {
                    var mesh = state.meshes[item.mesh] ?? MeshState()
                    mesh.trust = TrustStore(try Certificates(pem: item.ca))
                    mesh.trustPEM = item.ca
                    try mesh.makeContexts(self.clock)
                    state.meshes[item.mesh] = mesh
                } catch {
                    errors.append(ItemError(item: "trust \(item.mesh)", message: "the CA of mesh \(item.mesh) cannot be used: \(error)"))
                }
            }
        }
        return errors
    }

    /// Presents this certificate in the mesh from now on.
    /// - Throws: `InvalidCredentials`; the identity before stays.
    package func setIdentity(mesh name: String, chainPEM: String, keyPEM: String) throws {
        let identity = (chain: try Certificates(pem: chainPEM), key: try PrivateKey(pem: keyPEM))
        // With or without trust yet: does the key fit?
        _ = try TLSContext(.server, certificate: identity, verifier: nil)
        try self.state.withLock { state in
            var mesh = state.meshes[name] ?? MeshState()
            mesh.identity = identity
            try mesh.makeContexts(self.clock)
            state.meshes[name] = mesh
        }
    }

    /// Forgets the identity of a mesh that is no longer served.
    package func removeIdentity(mesh name: String) {
        self.state.withLock { state in
            state.meshes[name]?.identity = nil
            state.meshes[name]?.server = nil
            state.meshes[name]?.client = nil
        }
    }

    /// Makes the contexts that the clusters' external TLS needs and forgets those nothing needs any more.
    package func prepare(_ clusters: [Cluster]) -> [ItemError] {
        var errors: [ItemError] = []
        self.state.withLock { state in
            var needed: [ExternalKey: TLSContext] = [:]
            for cluster in clusters {
                for (endpoint, tls) in cluster.externals {
                    let key = ExternalKey(tls)
                    if needed[key] != nil { continue }
                    do {
                        needed[key] = try state.external[key] ?? self.makeContext(key, &state.systemRoots)
                    } catch {
                        let place = endpoint.map { "endpoint \($0.label): " } ?? ""
                        errors.append(
                            ItemError(item: "cluster \(cluster.name)", message: "\(place)its TLS settings cannot be used: \(error)"))
                    }
                }
            }
            state.external = needed
        }
        return errors
    }

    /// Why connections to the cluster could not be made for want of usable TLS settings; nil where they can.
    package func problem(of cluster: Cluster) -> String? {
        for (_, tls) in cluster.externals {
            let key = ExternalKey(tls)
            let problem = self.state.withLock { state -> String? in
                if state.external[key] != nil { return nil }
                do {
                    _ = try self.makeContext(key, &state.systemRoots)
                    return nil
                } catch {
                    return "its TLS settings cannot be used: \(error)"
                }
            }
            if let problem { return problem }
        }
        return nil
    }

    private func makeContext(_ key: ExternalKey, _ systemRoots: inout TrustStore?) throws(InvalidCredentials) -> TLSContext {
        var verifier: ChainVerifier?
        if key.isVerified {
            let trust: TrustStore
            if let ca = key.ca {
                trust = TrustStore(try Certificates(pem: ca))
            } else if let known = systemRoots {
                trust = known
            } else {
                trust = try TrustStore(system: self.environment)
                systemRoots = trust
            }
            verifier = ChainVerifier(trust, .servers, isMesh: false, clock: self.clock)
        }
        var certificate: (chain: Certificates, key: PrivateKey)?
        if let own = key.clientCertificate {
            do throws(InvalidCredentials) {
                certificate = (try Certificates(pem: own.certificate), try PrivateKey(pem: own.key))
            } catch {
                throw InvalidCredentials(reason: "of the client certificate, \(error.reason)")
            }
        }
        return try TLSContext(
            .client, certificate: certificate, verifier: verifier, protocols: key.alpn ?? [], isLegacyAllowed: true,
            versions: (key.minVersion ?? .v12, key.maxVersion ?? .v13))
    }

    /// For clients of the mesh; nil without identity or trust.
    func serverContext(mesh: String) -> TLSContext? { self.state.withLock { $0.meshes[mesh]?.server } }

    /// For servers of the mesh; nil without identity or trust.
    func clientContext(mesh: String) -> TLSContext? { self.state.withLock { $0.meshes[mesh]?.client } }

    func externalContext(_ tls: ExternalTLS) -> TLSContext? { self.state.withLock { $0.external[ExternalKey(tls)] } }
}
