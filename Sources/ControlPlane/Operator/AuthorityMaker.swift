package import FoundationEssentials
package import Identity
package import KubeAPI
import MeshModel
package import Planning
import X509

/// Makes the authority of a mesh: two Secrets, each by create, so that of several writers the first wins and the others
/// use its work. The key comes first, because a certificate can be made for a key that is there, but not the reverse.
///
/// The Secrets carry no owner reference: deleting a Mesh must not destroy its authority.
package struct AuthorityMaker: Sendable {
    package let writer: any ClusterWriter
    package let namespace: String

    package init(writer: any ClusterWriter, namespace: String) {
        self.writer = writer
        self.namespace = namespace
    }

    package enum Failure: Error, CustomStringConvertible {
        case kube(KubeError)
        case identity(IdentityError)

        package var description: String {
            switch self {
            case .kube(let error): "\(error)"
            case .identity(let error): error.message
            }
        }

        package var isTransient: Bool {
            switch self {
            case .kube(let error): error.isTransient
            case .identity: false
            }
        }
    }

    /// Whether there was anything left to make.
    @discardableResult
    package func make(_ request: AuthorityRequest, now: Date) async throws(Failure) -> Bool {
        let names = (
            certificate: AuthorityNames.certificate(mesh: request.mesh, backend: request.backend, generation: request.generation),
            key: AuthorityNames.key(mesh: request.mesh, backend: request.backend, generation: request.generation)
        )
        let secretKey = try await self.createOrRead(names.key, mesh: request.mesh) { () throws(IdentityError) in
            try KeyKind(rsaBits: request.rsaBits).makeKey().pem
        }
        let certificate = try await self.createOrRead(names.certificate, mesh: request.mesh) { () throws(IdentityError) in
            let key = try Certificate.PrivateKey(pem: secretKey.text, what: "Secret \(self.namespace)/\(names.key)")
            return try CertificateAuthority.makeBuiltin(
                mesh: request.mesh.text, key: key, life: request.life, now: now, serial: .random()
            ).certificate.pem
        }
        return secretKey.isNew || certificate.isNew
    }

    private func createOrRead(
        _ name: String, mesh: MeshName, make: () throws(IdentityError) -> String
    ) async throws(Failure) -> (text: String, isNew: Bool) {
        let key = ObjectKey(namespace: self.namespace, name: name)
        do {
            if let text = try await self.writer.find(.secrets, key).map({ $0.secretText("value") ?? "" }) { return (text, false) }
        } catch { throw .kube(error) }
        let text: String
        do { text = try make() } catch { throw .identity(error) }
        do {
            _ = try await self.writer.create(
                .secrets,
                .secret(
                    name: name, namespace: self.namespace, type: "system.kuma.io/secret", labels: ["kuma.io/mesh": mesh.text],
                    texts: ["value": text]))
            return (text, true)
        } catch {
            guard case .alreadyExists = error else { throw .kube(error) }
            // Somebody was faster: theirs counts.
            do {
                return (try await self.writer.find(.secrets, key)?.secretText("value") ?? "", false)
            } catch { throw .kube(error) }
        }
    }
}
