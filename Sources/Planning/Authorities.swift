import KubeAPI
import MeshModel

extension World {
    /// Builtin authorities that are not there yet. An existing Secret, whatever is in it, is never replaced.
    func authorityRequests() -> [AuthorityRequest] {
        self.sortedMeshes.compactMap { mesh -> AuthorityRequest? in
            guard let backend = mesh.backend, case .builtin(let rsaBits, let expiration) = backend.authority else { return nil }
            // The key is made before its certificate: once the certificate is there, nothing is missing that could be made.
            let name = "\(mesh.name).ca-builtin-cert-\(backend.name)"
            if self.observed.objects[.secrets, namespace: self.observed.systemNamespace, name: name] != nil { return nil }
            return AuthorityRequest(
                mesh: mesh.name, backend: backend.name, rsaBits: rsaBits, life: expiration,
                why: "Mesh \(mesh.name) has mTLS backend \(backend.name) of type builtin and no certificate authority yet")
        }
    }
}
