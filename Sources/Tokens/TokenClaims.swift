package import FoundationEssentials

/// What every token says: when it is good, which one it is, and for whom. Times are whole seconds (RFC 7519, section 2).
package protocol TokenClaims: Codable, Sendable {
    /// `jti`: what a revocation names.
    var id: String { get }
    /// `nbf`
    var notBefore: Date { get }
    /// `exp`
    var expiresAt: Date { get }
    /// `aud`, where the token has one: tokens in Kuma's form have none.
    var audience: String? { get }
}

/// What tokens of this control plane have in common.
package enum TokenRules {
    package static let audience = "egret-control-plane"
    /// Clocks differ: a token counts from this long before it was issued.
    package static let leeway = Duration.seconds(300)
    /// As long as Kuma gives when nothing is asked for.
    package static let longestLife = Duration.seconds(3650 * 86_400)
}
