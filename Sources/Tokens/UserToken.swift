package import FoundationEssentials

/// The claims of a user token: its bearer may do what the groups may. The claims' names are Kuma's.
package struct UserToken: TokenClaims, Hashable {
    package static let adminGroup = "mesh-system:admin"

    package var name: String
    package var groups: [String]
    package var id: String
    package var issuedAt: Date
    package var notBefore: Date
    package var expiresAt: Date
    package var audience: String?

    private enum CodingKeys: String, CodingKey {
        case name = "Name"
        case groups = "Groups"
        case id = "jti"
        case issuedAt = "iat"
        case notBefore = "nbf"
        case expiresAt = "exp"
        case audience = "aud"
    }

    package init(name: String, groups: [String], id: String, now: Date, life: Duration) {
        let issuedAt = Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.down))
        self.name = name
        self.groups = groups
        self.id = id
        self.issuedAt = issuedAt
        self.notBefore = issuedAt - TimeInterval(TokenRules.leeway.components.seconds)
        self.expiresAt = issuedAt + TimeInterval(life.components.seconds)
        self.audience = TokenRules.audience
    }

    package var isAdmin: Bool { self.groups.contains(Self.adminGroup) }
}
