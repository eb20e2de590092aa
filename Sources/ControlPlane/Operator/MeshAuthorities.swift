import FoundationEssentials
package import Identity
import JSONModel
package import KubeAPI
package import MeshModel
package import Planning
import Synchronization
import X509

/// The certificate authorities of all meshes, as the Secrets of the system namespace hold them.
package struct MeshAuthorities: Sendable {
    /// The one that signs.
    package var sound: [MeshName: CertificateAuthority] = [:]
    /// What is trusted, PEM: the authority that signs first, and during a rotation the other one.
    package var trust: [MeshName: String] = [:]
    /// The numbers of builtin ones in their Meshes, by their keys as certificates name them.
    package var generations: [MeshName: [String: Int]] = [:]
    /// Why a mesh has no usable authority, in a sentence. A mesh whose Secrets are not made yet is in neither.
    package var problems: [MeshName: String] = [:]

    package init() {}

    /// Which authority signs in each mesh, as a word that changes with it.
    package var signers: [MeshName: String] { self.sound.mapValues { String($0.fingerprint.prefix(16)) } }

    /// - Parameter file: the text of a file of the control plane's own machine; nil where there are none to speak of.
    package init(
        meshes: some Sequence<Mesh>, secrets: [ObjectKey: KubeObject], namespace: String, cache: AuthorityCache,
        home: Home = .kubernetes, file: ((_ path: String) -> String?)? = nil
    ) {
        for mesh in meshes {
            guard let backend = mesh.backend else { continue }
            do {
                let all = try Self.texts(mesh.name, backend, secrets, namespace, home, file).map { generation, certificate, key in
                    let authority = try cache.authority(
                        certificatePEM: certificate, keyPEM: key, name: "the certificate authority of mesh \(mesh.name)")
                    if let generation, let key = authority.certificate.ownKey {
                        self.generations[mesh.name, default: [:]][key] = generation
                    }
                    return authority
                }
                // While the one that is to sign is being made, the other goes on.
                guard let signer = all.first else { continue }
                self.sound[mesh.name] = signer
                self.trust[mesh.name] = all.flatMap(\.bundle).map(\.pem).joined()
            } catch let error as IdentityError {
                self.problems[mesh.name] = error.message
            } catch {
                self.problems[mesh.name] = "\(error)"
            }
        }
    }

    private struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    /// Certificate and key of each authority of a backend, PEM, and the number of a builtin one; those that are still to be made
    /// are left out.
    private static func texts(
        _ mesh: MeshName, _ backend: Mesh.Backend, _ secrets: [ObjectKey: KubeObject], _ namespace: String,
        _ home: Home, _ file: ((String) -> String?)?
    ) throws -> [(generation: Int?, certificate: String, key: String)] {
        func called(_ name: String) -> String { home == .kubernetes ? "Secret \(namespace)/\(name)" : "Secret \(name) of mesh \(mesh)" }
        func secret(_ name: String) throws -> String? {
            guard let object = secrets[ObjectKey(namespace: namespace, name: name)] else { return nil }
            guard let text = object.secretText("value") else {
                throw Problem(description: "\(called(name)) has no readable text under the key \"value\"")
            }
            return text
        }
        switch backend.authority {
        case .builtin(_, _, let generations):
            return try generations.compactMap { generation in
                let certificateName = AuthorityNames.certificate(mesh: mesh, backend: backend.name, generation: generation)
                let keyName = AuthorityNames.key(mesh: mesh, backend: backend.name, generation: generation)
                switch (try secret(certificateName), try secret(keyName)) {
                case (let certificate?, let key?): return (generation, certificate, key)
                case (.some, nil):
                    throw Problem(
                        description:
                            "\(called(certificateName)) is there without \(keyName); restore the key, or delete the certificate to get a new authority"
                    )
                case (nil, _): return nil
                }
            }
        case .provided(let certificate, let key):
            func text(_ source: DataSource, _ what: String) throws -> String {
                switch source {
                case .secret(let name):
                    guard let text = try secret(name) else {
                        throw Problem(description: "\(called(name)), which has the \(what) of mesh \(mesh), does not exist")
                    }
                    return text
                case .inline(let encoded):
                    guard let data = Data(base64Encoded: encoded), let text = String(validating: data, as: UTF8.self) else {
                        throw Problem(description: "the inline \(what) of mesh \(mesh) is not base64 text")
                    }
                    return text
                case .inlineString(let text): return text
                case .file(let path):
                    guard let file else {
                        throw Problem(description: "the \(what) of mesh \(mesh) names a file; on Kubernetes use secret or inline")
                    }
                    guard let text = file(path) else {
                        throw Problem(description: "the file \(path) with the \(what) of mesh \(mesh) cannot be read by the control plane")
                    }
                    return text
                }
            }
            return [(nil, try text(certificate, "CA certificate"), try text(key, "CA key"))]
        }
    }
}

/// Authorities already read: the same texts are parsed once.
package final class AuthorityCache: Sendable {
    private struct Key: Hashable {
        var certificate: String
        var key: String
    }

    private let known = Mutex<[Key: CertificateAuthority]>([:])

    package init() {}

    func authority(certificatePEM: String, keyPEM: String, name: String) throws(IdentityError) -> CertificateAuthority {
        let key = Key(certificate: certificatePEM, key: keyPEM)
        if let authority = self.known.withLock({ $0[key] }) { return authority }
        let authority = try CertificateAuthority(certificatePEM: certificatePEM, keyPEM: keyPEM, name: name)
        self.known.withLock { known in
            // A zone has a handful of meshes; whatever rotates through is forgotten before it adds up.
            if known.count >= 256 { known.removeAll() }
            known[key] = authority
        }
        return authority
    }
}
