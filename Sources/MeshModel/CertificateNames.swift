/// The names that a proxy's certificate carries, and by which permissions tell callers apart: `spiffe://<mesh>/<service>` for each
/// service and `kuma://<tag>/<value>` for each tag.
package enum CertificateNames {
    package static func service(_ service: String, in mesh: MeshName) -> String { "spiffe://\(mesh)/\(service)" }

    package static func tag(_ key: String, _ value: String) -> String { "kuma://\(key)/\(value)" }

    /// Those of a proxy.
    /// - Parameters:
    ///   - first: the service that stands for the proxy where one name has to do, as in log lines.
    ///   - tags: each with its values; `kuma.io/service` belongs to them.
    package static func of(_ first: String, tags: [String: Set<String>], in mesh: MeshName) -> [String] {
        let others = (tags[Tag.service] ?? []).subtracting([first]).sorted()
        let byTags = tags.sorted { $0.key < $1.key }.flatMap { key, values in values.sorted().map { Self.tag(key, $0) } }
        return ([first] + others).map { Self.service($0, in: mesh) } + byTags
    }

    /// An egress is in every mesh the service `zone-egress`.
    package static func ofEgress(in mesh: MeshName) -> [String] {
        let service = ServiceName.zoneEgress.text
        return Self.of(service, tags: [Tag.service: [service]], in: mesh)
    }

    // MARK: Patterns

    package static func anyService(in mesh: MeshName) -> String { Self.service("*", in: mesh) }

    package static func anyValue(of key: String) -> String { Self.tag(key, "*") }
}
