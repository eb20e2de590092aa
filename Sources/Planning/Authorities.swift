import KubeAPI
import MeshModel

extension World {
    /// Names of the Secrets in which a mesh keeps its builtin authority.
    static func authoritySecrets(mesh: MeshName, backend: String) -> (certificate: String, key: String) {
        ("\(mesh).ca-builtin-cert-\(backend)", "\(mesh).ca-builtin-key-\(backend)")
    }

    /// Builtin authorities that are not there yet. An existing Secret, whatever is in it, is never replaced.
    func authorityRequests() -> [AuthorityRequest] {
        self.sortedMeshes.compactMap { mesh -> AuthorityRequest? in
            guard let backend = mesh.backend, case .builtin(let rsaBits, let expiration) = backend.authority else { return nil }
            let names = Self.authoritySecrets(mesh: mesh.name, backend: backend.name)
            let secrets = [names.certificate, names.key].map {
                self.observed.objects[.secrets, namespace: self.observed.systemNamespace, name: $0]
            }
            if secrets.allSatisfy({ $0 != nil }) { return nil }
            return AuthorityRequest(
                mesh: mesh.name, backend: backend.name, rsaBits: rsaBits, life: expiration,
                why: "Mesh \(mesh.name) has mTLS backend \(backend.name) of type builtin and no certificate authority yet")
        }
    }
}
