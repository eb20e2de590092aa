import NIOCore
import NIOSSL
package import Routing
import Synchronization

/// The certificates this proxy serves with and believes, as ready TLS contexts: made when something changes, looked up for
/// each connection. A change makes new contexts; connections keep those they began with, and their sessions cannot be
/// resumed under the new ones.
package final class TLSCredentials: Sendable {
    private struct MeshState {
        var trustPEM: String?
        var trust: [NIOSSLCertificate] = []
        var identity: Identity?
        /// Both nil until there is trust and identity.
        var server: NIOSSLContext?
        var client: NIOSSLContext?
    }

    private struct Identity {
        var chain: [NIOSSLCertificate]
        var key: NIOSSLPrivateKey
    }

    /// What of an `ExternalTLS` makes a context; the server name belongs to the connection.
    private struct ExternalKey: Hashable {
        var ca: String?
        var clientCertificate: ClientCertificate?
        var verify: ExternalTLS.Verification

        init(_ tls: ExternalTLS) {
            self.ca = tls.ca
            self.clientCertificate = tls.clientCertificate
            // IP addresses are compared by us, on the connection: NIOSSL would take the socket's, whatever was asked for.
            self.verify = tls.verify == .full && tls.hostName == nil ? .chain : tls.verify
        }
    }

    private struct State {
        var meshes: [String: MeshState] = [:]
        var external: [ExternalKey: NIOSSLContext] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Believes exactly `trust` from now on. What cannot be read leaves the mesh with the trust it had.
    package func setTrust(_ trust: [Trust]) -> [ItemError] {
        var errors: [ItemError] = []
        self.state.withLock { state in
            let named = Set(trust.map(\.mesh))
            for mesh in state.meshes.keys where !named.contains(mesh) {
                state.meshes[mesh]?.trust = []
                state.meshes[mesh]?.trustPEM = nil
                state.meshes[mesh]?.server = nil
                state.meshes[mesh]?.client = nil
            }
            for item in trust where state.meshes[item.mesh]?.trustPEM != item.ca {
                do {
                    var mesh = state.meshes[item.mesh] ?? MeshState()
                    mesh.trust = try Self.certificates(item.ca)
                    mesh.trustPEM = item.ca
                    try Self.makeContexts(&mesh)
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
        let chain = try Self.certificates(chainPEM)
        guard let key = try? NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem) else {
            throw InvalidCredentials(reason: "the private key is not PEM")
        }
        try self.state.withLock { state in
            var mesh = state.meshes[name] ?? MeshState()
            mesh.identity = Identity(chain: chain, key: key)
            try Self.makeContexts(&mesh)
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
        let known = self.state.withLock { $0.external }
        var needed: [ExternalKey: NIOSSLContext] = [:]
        for cluster in clusters {
            guard case .external(let tls) = cluster.tls else { continue }
            let key = ExternalKey(tls)
            if needed[key] != nil { continue }
            do {
                needed[key] = try known[key] ?? Self.makeContext(key)
            } catch {
                errors.append(ItemError(item: "cluster \(cluster.name)", message: "its TLS settings cannot be used: \(error)"))
            }
        }
        self.state.withLock { $0.external = needed }
        return errors
    }

    /// Why connections to the cluster could not be made for want of usable TLS settings; nil where they can.
    package func problem(of cluster: Cluster) -> String? {
        guard case .external(let tls) = cluster.tls else { return nil }
        let key = ExternalKey(tls)
        if self.state.withLock({ $0.external[key] }) != nil { return nil }
        do {
            _ = try Self.makeContext(key)
            return nil
        } catch {
            return "its TLS settings cannot be used: \(error)"
        }
    }

    /// For clients of the mesh; nil without identity or trust.
    func serverContext(mesh: String) -> NIOSSLContext? { self.state.withLock { $0.meshes[mesh]?.server } }

    /// For servers of the mesh; nil without identity or trust.
    func clientContext(mesh: String) -> NIOSSLContext? { self.state.withLock { $0.meshes[mesh]?.client } }

    func externalContext(_ tls: ExternalTLS) -> NIOSSLContext? { self.state.withLock { $0.external[ExternalKey(tls)] } }

    private static func certificates(_ pem: String) throws -> [NIOSSLCertificate] {
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)), !certificates.isEmpty else {
            throw InvalidCredentials(reason: "it is not a PEM certificate bundle")
        }
        return certificates
    }

    private static func makeContexts(_ mesh: inout MeshState) throws {
        guard let identity = mesh.identity, !mesh.trust.isEmpty else { return }
        let chain = identity.chain.map { NIOSSLCertificateSource.certificate($0) }
        var server = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(identity.key))
        server.minimumTLSVersion = .tlsv12
        // Requires a client certificate and verifies its chain; who it is, is decided per route.
        server.certificateVerification = .noHostnameVerification
        server.trustRoots = .certificates(mesh.trust)
        server.shutdownTimeout = .seconds(2)
        var client = TLSConfiguration.makeClientConfiguration()
        client.minimumTLSVersion = .tlsv12
        client.certificateChain = chain
        client.privateKey = .privateKey(identity.key)
        // The mesh knows SPIFFE ids, not host names: the id is compared once the handshake is done.
        client.certificateVerification = .noHostnameVerification
        client.trustRoots = .certificates(mesh.trust)
        client.applicationProtocols = ["kuma"]
        client.shutdownTimeout = .seconds(2)
        (mesh.server, mesh.client) = try (self.context(server), self.context(client))
    }

    private static func makeContext(_ key: ExternalKey) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        switch key.verify {
        case .full: configuration.certificateVerification = .fullVerification
        case .chain: configuration.certificateVerification = .noHostnameVerification
        case .none: configuration.certificateVerification = .none
        }
        if let ca = key.ca { configuration.trustRoots = .certificates(try self.certificates(ca)) }
        if let own = key.clientCertificate {
            configuration.certificateChain = try self.certificates(own.certificate).map { .certificate($0) }
            guard let privateKey = try? NIOSSLPrivateKey(bytes: Array(own.key.utf8), format: .pem) else {
                throw InvalidCredentials(reason: "the client certificate's private key is not PEM")
            }
            configuration.privateKey = .privateKey(privateKey)
        }
        configuration.shutdownTimeout = .seconds(2)
        return try self.context(configuration)
    }

    private static func context(_ configuration: TLSConfiguration) throws -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw InvalidCredentials(reason: "certificate and private key do not fit together (\(TLSFailure.words(error)))")
        }
    }
}

package struct InvalidCredentials: Error, Hashable, CustomStringConvertible {
    package let reason: String
    package var description: String { self.reason }
}
