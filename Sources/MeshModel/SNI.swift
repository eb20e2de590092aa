/// A server name that says mesh and service: what zone proxies route by.
///
/// Three generations are understood; the tag form is the one Egret writes.
///
///     backend{mesh=default,version=v1}            2.7: service and tags
///     ae10a8071b8a8eeb8.backend.8080.demo.ms      2.8: hash, name, port, mesh, kind
///     sni.msvc.default.east.backend.http          2.14: kind, mesh[, zone[, namespace]], name, section
package enum SNI: Hashable, Sendable {
    case tags(TagSNI)
    case hash(HashSNI)
    case resource(ResourceSNI)

    /// What fits in a TLS server name extension, and the longest name Envoy-based peers accept.
    package static let maxBytes = 255

    package init(parsing text: String) throws(Violation) {
        if let hash = HashSNI(parsing: text) {
            self = .hash(hash)
        } else if text.hasPrefix("sni.") {
            self = .resource(try ResourceSNI(parsing: text))
        } else {
            self = .tags(try TagSNI(parsing: text))
        }
    }

    package var text: String {
        switch self {
        case .tags(let name): name.text
        case .hash(let name): name.text
        case .resource(let name): name.text
        }
    }
}

/// `service` or `service{k1=v1,k2=v2}`, keys ascending, `kuma.io/service` itself not among them. Names used between
/// zone proxies always have a `mesh` pair.
package struct TagSNI: Hashable, Sendable {
    package let service: String
    package let tags: [String: String]

    package init(service: String, tags: [String: String] = [:]) {
        self.service = service
        self.tags = tags.filter { $0.key != Tag.service }
    }

    package init(service: ServiceName, mesh: MeshName, tags: [String: String] = [:]) {
        var tags = tags
        tags["mesh"] = mesh.text
        self.init(service: service.text, tags: tags)
    }

    package init(parsing text: String) throws(Violation) {
        let parts = text.split(separator: "{", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw Violation(field: "sni", message: "cannot parse tags from sni: \(text)") }
        guard parts.count == 2 else {
            self.init(service: text)
            return
        }
        let shape = Violation(
            field: "sni",
            message: "invalid format of tags, pairs should be separated by , and key should be separated from value by =")
        guard parts[1].hasSuffix("}") else { throw shape }
        var tags: [String: String] = [:]
        for pair in parts[1].dropLast().split(separator: ",", omittingEmptySubsequences: false) {
            let sides = pair.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2 else { throw shape }
            tags[String(sides[0])] = String(sides[1])
        }
        self.init(service: String(parts[0]), tags: tags)
    }

    package var text: String {
        guard !self.tags.isEmpty else { return self.service }
        let pairs = self.tags.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return "\(self.service){\(pairs.joined(separator: ","))}"
    }
}
