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
    static let algorithm = "RS256"
    /// Longer ones are nobody's token, and are not worth decoding.
    static let maxBytes = 16_384
    /// Clocks differ: a token counts from this long before it was issued.
    package static let leeway = Duration.seconds(300)
    /// As long as Kuma gives when nothing is asked for. Longer ones are refused: who wants a token for ever can make a new one
    /// in ten years, and who mistyped a unit wants to know.
    package static let longestLife = Duration.seconds(3650 * 86_400)

    /// Why a token cannot be good for this long; nil when it can.
    package static func objection(toLife life: Duration) -> String? {
        if life < .seconds(1) { return "has to be at least 1s" }
        return life > Self.longestLife ? "has to be at most \(Self.longestLife.components.seconds / 3600)h (ten years)" : nil
    }
}
