import KubeAPI
package import MeshModel

/// Names of the Secrets of a builtin authority: Kuma's for the first, with a number behind for those of rotations.
package enum AuthorityNames {
    package static func certificate(mesh: MeshName, backend: String, generation: Int = 1) -> String {
        "\(mesh).ca-builtin-cert-\(backend)\(self.suffix(generation))"
    }

    package static func key(mesh: MeshName, backend: String, generation: Int = 1) -> String {
        "\(mesh).ca-builtin-key-\(backend)\(self.suffix(generation))"
    }

    private static func suffix(_ generation: Int) -> String { generation == 1 ? "" : ".\(generation)" }
}

extension World {
    /// Builtin authorities that are not there yet. An existing Secret, whatever is in it, is never replaced.
    func authorityRequests() -> [AuthorityRequest] {
        self.sortedMeshes.compactMap { mesh -> AuthorityRequest? in
            // All zones sign with the one that the global control plane makes.
            if self.awaitsGlobal(mesh.name) { return nil }
            guard let backend = mesh.backend, case .builtin(let rsaBits, let expiration, let generations) = backend.authority
            else { return nil }
            // The key is made before its certificate: once the certificate is there, nothing is missing that could be made.
            let missing = generations.first { generation in
                let name = AuthorityNames.certificate(mesh: mesh.name, backend: backend.name, generation: generation)
                return self.observed.objects[.secrets, namespace: self.observed.systemNamespace, name: name] == nil
            }
            guard let missing else { return nil }
            let what = missing == 1 ? "no certificate authority yet" : "no certificate authority \(missing) yet"
            return AuthorityRequest(
                mesh: mesh.name, backend: backend.name, rsaBits: rsaBits, life: expiration, generation: missing,
                why: "Mesh \(mesh.name) has mTLS backend \(backend.name) of type builtin and \(what)")
        }
    }

    /// Whether a mesh comes from a global control plane, and its authority with it.
    func awaitsGlobal(_ mesh: MeshName) -> Bool {
        guard case .zone = self.observed.settings.standing else { return false }
        return self.meshes.contains { $0.resource?.name == mesh && Origin.isGlobal($0.object.metadata.labels) }
    }
}
