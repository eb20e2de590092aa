package import FoundationEssentials

/// The claims of a zone token: its bearer may be an egress, an ingress or the control plane of a zone. The claims' names are Kuma's.
package struct ZoneToken: TokenClaims, Hashable {
    package enum Scope: String, CaseIterable, Codable, Hashable, Sendable {
        case egress, ingress
        /// The control plane of the zone, towards the global one.
        case cp

        /// Those of proxies.
        package static let proxies: [Scope] = [.egress, .ingress]
    }

    /// Empty: not bound to a zone.
    package var zone: String
    package var scopes: [Scope]
    package var id: String
    package var issuedAt: Date
    package var notBefore: Date
    package var expiresAt: Date
    package var audience: String?
    /// Lower-case hex SHA-256 of the control plane's CA certificate (DER), by which a proxy without a CA file knows its
    /// control plane.
    package var authorityHash: String?

    private enum CodingKeys: String, CodingKey {
        case zone = "Zone"
        case scopes = "Scope"
        case id = "jti"
        case issuedAt = "iat"
        case notBefore = "nbf"
        case expiresAt = "exp"
        case audience = "aud"
        case authorityHash = "CA"
    }

    package init(zone: String, scopes: [Scope], id: String, now: Date, life: Duration, authorityHash: String?) {
        let issuedAt = Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.down))
        self.zone = zone
        self.scopes = scopes
        self.id = id
        self.issuedAt = issuedAt
        self.notBefore = issuedAt - TimeInterval(TokenRules.leeway.components.seconds)
        self.expiresAt = issuedAt + TimeInterval(life.components.seconds)
        self.audience = TokenRules.audience
        self.authorityHash = authorityHash
    }

    /// Whether the bearer may be this in this zone.
    package func check(scope: Scope, zone: String) throws(TokenRefusal) {
        guard self.scopes.contains(scope) else {
            let named = self.scopes.map(\.rawValue).joined(separator: ", ")
            throw TokenRefusal(
                .wrongScope,
                "token cannot be used to authenticate zone entity (\(scope.rawValue) is out of token's scope: [\(named)]); "
                    + "make one with egretctl generate zone-token --scope \(scope.rawValue) --zone \(zone)")
        }
        guard self.zone.isEmpty || self.zone == zone else {
            throw TokenRefusal(
                .wrongZone,
                "zone from requestor: \(zone) is different than in token: \(self.zone); make one with egretctl generate zone-token "
                    + "--scope \(scope.rawValue) --zone \(zone)")
        }
    }
}

extension ZoneToken {
    /// A token without scopes opens nothing; one with a scope we do not know opens what of it we do.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.zone = try values.decodeIfPresent(String.self, forKey: .zone) ?? ""
        self.scopes = (try values.decodeIfPresent([String].self, forKey: .scopes) ?? []).compactMap(Scope.init)
        self.id = try values.decodeIfPresent(String.self, forKey: .id) ?? ""
        self.expiresAt = try values.decode(Date.self, forKey: .expiresAt)
        self.issuedAt = try values.decodeIfPresent(Date.self, forKey: .issuedAt) ?? .distantPast
        self.notBefore = try values.decodeIfPresent(Date.self, forKey: .notBefore) ?? .distantPast
        self.audience = try values.decodeIfPresent(String.self, forKey: .audience)
        self.authorityHash = try values.decodeIfPresent(String.self, forKey: .authorityHash)
    }
}
