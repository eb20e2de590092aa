package import FoundationEssentials

/// The claims of a dataplane token: its bearer may be the dataplanes of one mesh that the other claims leave. The claims'
/// names are Kuma's; empty ones bind nothing.
package struct DataplaneToken: TokenClaims, Hashable {
    package var mesh: String
    package var name: String
    /// Every tag named here has, in the dataplane, only values listed here.
    package var tags: [String: [String]]
    package var id: String
    package var issuedAt: Date
    package var notBefore: Date
    package var expiresAt: Date
    package var audience: String?
    /// As in `ZoneToken`.
    package var authorityHash: String?

    private enum CodingKeys: String, CodingKey {
        case mesh = "Mesh"
        case name = "Name"
        case tags = "Tags"
        case id = "jti"
        case issuedAt = "iat"
        case notBefore = "nbf"
        case expiresAt = "exp"
        case audience = "aud"
        case authorityHash = "CA"
    }

    package init(
        mesh: String, name: String = "", tags: [String: [String]] = [:], id: String, now: Date, life: Duration, authorityHash: String?
    ) {
        let issuedAt = Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.down))
        self.mesh = mesh
        self.name = name
        self.tags = tags
        self.id = id
        self.issuedAt = issuedAt
        self.notBefore = issuedAt - TimeInterval(TokenRules.leeway.components.seconds)
        self.expiresAt = issuedAt + TimeInterval(life.components.seconds)
        self.audience = TokenRules.audience
        self.authorityHash = authorityHash
    }

    /// Whether the bearer may be this dataplane.
    /// - Parameter dataplaneTags: each tag of its inbounds with all of its values; nil while nobody knows them yet.
    package func check(mesh: String, name: String, tags dataplaneTags: [String: Set<String>]?) throws(TokenRefusal) {
        guard self.mesh == mesh else {
            throw TokenRefusal(.wrongMesh, "the proxy asks for mesh \(mesh), the token is for mesh \(self.mesh)")
        }
        guard self.name.isEmpty || self.name == name else {
            throw TokenRefusal(.wrongName, "the proxy is called \(name), the token is for \(self.name)")
        }
        guard let dataplaneTags else { return }
        for (tag, allowed) in self.tags.sorted(by: { $0.key < $1.key }) {
            guard let values = dataplaneTags[tag], !values.isEmpty else {
                throw TokenRefusal(.wrongTags, "the token demands the tag \(tag), which the dataplane \(name) does not have")
            }
            let foreign = values.subtracting(allowed).sorted()
            guard foreign.isEmpty else {
                throw TokenRefusal(
                    .wrongTags,
                    "the dataplane \(name) has \(tag)=\(foreign.joined(separator: ",")), the token allows "
                        + "\(tag)=\(allowed.joined(separator: ",")) only")
            }
        }
    }
}

extension DataplaneToken {
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.mesh = try values.decode(String.self, forKey: .mesh)
        self.name = try values.decodeIfPresent(String.self, forKey: .name) ?? ""
        self.tags = try values.decodeIfPresent([String: [String]].self, forKey: .tags) ?? [:]
        self.id = try values.decodeIfPresent(String.self, forKey: .id) ?? ""
        self.expiresAt = try values.decode(Date.self, forKey: .expiresAt)
        self.issuedAt = try values.decodeIfPresent(Date.self, forKey: .issuedAt) ?? .distantPast
        self.notBefore = try values.decodeIfPresent(Date.self, forKey: .notBefore) ?? .distantPast
        self.audience = try values.decodeIfPresent(String.self, forKey: .audience)
        self.authorityHash = try values.decodeIfPresent(String.self, forKey: .authorityHash)
    }
}
