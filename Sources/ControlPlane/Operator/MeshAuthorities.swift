import FoundationEssentials
package import Identity
import JSONModel
package import KubeAPI
package import MeshModel
import Synchronization
import X509

/// The certificate authorities of all meshes, as the Secrets of the system namespace hold them.
package struct MeshAuthorities: Sendable {
    package var sound: [MeshName: CertificateAuthority] = [:]
    /// Why a mesh has no usable authority, in a sentence. A mesh whose Secrets are not made yet is in neither.
    package var problems: [MeshName: String] = [:]

    package init() {}

    /// Names of the Secrets of a builtin backend.
    package static func secretNames(mesh: MeshName, backend: String) -> (certificate: String, key: String) {
        ("\(mesh).ca-builtin-cert-\(backend)", "\(mesh).ca-builtin-key-\(backend)")
    }

    package init(meshes: some Sequence<Mesh>, secrets: [ObjectKey: KubeObject], namespace: String, cache: AuthorityCache) {
        for mesh in meshes {
            guard let backend = mesh.backend else { continue }
            do {
                guard let (certificate, key) = try Self.texts(mesh.name, backend, secrets, namespace) else { continue }
                self.sound[mesh.name] = try cache.authority(
                    certificatePEM: certificate, keyPEM: key, name: "the certificate authority of mesh \(mesh.name)")
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

    /// Certificate and key of a backend, PEM; nil when a builtin one is still to be made.
    private static func texts(
        _ mesh: MeshName, _ backend: Mesh.Backend, _ secrets: [ObjectKey: KubeObject], _ namespace: String
    ) throws -> (String, String)? {
        func secret(_ name: String) throws -> String? {
            guard let object = secrets[ObjectKey(namespace: namespace, name: name)] else { return nil }
            guard let text = object.secretText("value") else {
                throw Problem(description: "Secret \(namespace)/\(name) has no readable text under the key \"value\"")
            }
            return text
        }
        switch backend.authority {
        case .builtin:
            let names = Self.secretNames(mesh: mesh, backend: backend.name)
            switch (try secret(names.certificate), try secret(names.key)) {
            case (let certificate?, let key?): return (certificate, key)
            case (.some, nil):
                throw Problem(
                    description:
                        "Secret \(namespace)/\(names.certificate) is there without \(names.key); restore the key, or delete the certificate to get a new authority"
                )
            case (nil, _): return nil
            }
        case .provided(let certificate, let key):
            func text(_ source: DataSource, _ what: String) throws -> String {
                switch source {
                case .secret(let name):
                    guard let text = try secret(name) else {
                        throw Problem(description: "Secret \(namespace)/\(name) with the \(what) of mesh \(mesh) does not exist")
                    }
                    return text
                case .inline(let encoded):
                    guard let data = Data(base64Encoded: encoded), let text = String(validating: data, as: UTF8.self) else {
                        throw Problem(description: "the inline \(what) of mesh \(mesh) is not base64 text")
                    }
                    return text
                case .inlineString(let text): return text
                case .file:
                    throw Problem(description: "the \(what) of mesh \(mesh) names a file; on Kubernetes use secret or inline")
                }
            }
            return (try text(certificate, "CA certificate"), try text(key, "CA key"))
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
