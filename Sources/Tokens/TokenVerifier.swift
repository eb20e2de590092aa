package import FoundationEssentials
import JWTKit

/// Whether a token is one of ours and good now. What its bearer may be is the claims' own question, asked afterwards.
package struct TokenVerifier: Sendable {
    /// By id. Keys of several control planes may have the same one.
    private let keys: [String: [VerificationKey]]
    private let revoked: Set<String>

    /// - Parameter revoked: ids (`jti`) of tokens that no longer count.
    package init(keys: [VerificationKey], revoked: Set<String> = []) {
        self.keys = Dictionary(grouping: keys, by: \.id)
        self.revoked = revoked
    }

    /// In this order: form, algorithm, key, signature, time, revocation, audience. Nothing of an unproven token is believed
    /// but the name of its key.
    package func verify<Claims: TokenClaims>(_ token: String, as type: Claims.Type, now: Date) throws(TokenRefusal) -> Claims {
        let header = try Self.header(of: token)
        guard header.alg == TokenRules.algorithm else {
            throw TokenRefusal(
                .wrongAlgorithm, "the token's algorithm is \(Self.shown(header.alg)); only \(TokenRules.algorithm) is accepted")
        }
        guard header.fields["crit"] == nil else {
            throw TokenRefusal(.malformed, "the token demands header extensions (crit) that are not understood here")
        }
        guard let id = header.kid, let keys = self.keys[id] else {
            let known = self.keys.keys.sorted().joined(separator: ", ")
            throw TokenRefusal(
                .unknownKey,
                "the token's signing key is \(Self.shown(header.kid)); known are \(known.isEmpty ? "none" : known). Make a new token, or give "
                    + "the control plane that key")
        }
        let claims: Claims = try Self.proven(token, id, keys)
        guard claims.notBefore <= now else {
            throw TokenRefusal(
                .notYetValid, "the token is not valid before \(claims.notBefore.formatted(.iso8601)); is one of the clocks wrong?")
        }
        guard now < claims.expiresAt else {
            throw TokenRefusal(.expired, "the token expired at \(claims.expiresAt.formatted(.iso8601)); make a new one")
        }
        guard !self.revoked.contains(claims.id) else {
            throw TokenRefusal(.revoked, "the token \(claims.id) was revoked; make a new one")
        }
        if let audience = claims.audience, audience != TokenRules.audience {
            throw TokenRefusal(.wrongAudience, "the token is for \(Self.shown(audience)), not for \(TokenRules.audience)")
        }
        return claims
    }

    private static func header(of token: String) throws(TokenRefusal) -> JWTHeader {
        let parser = DefaultJWTParser()
        guard token.utf8.count <= TokenRules.maxBytes, let parts = try? parser.getTokenParts(Array(token.utf8)),
            let header = Base64URL.decoded(parts.header).flatMap({ try? parser.jsonDecoder.decode(JWTHeader.self, from: $0) })
        else {
            throw TokenRefusal(.malformed, "the token is not a JWT: three parts of base64url with dots between them")
        }
        return header
    }

    private static func proven<Claims: TokenClaims>(_ token: String, _ id: String, _ keys: [VerificationKey]) throws(TokenRefusal) -> Claims
    {
        let parser = DefaultJWTParser()
        let bytes = Array(token.utf8)
        guard let parts = try? parser.getTokenParts(bytes), let signature = Base64URL.decoded(parts.signature),
            keys.contains(where: { $0.proves(signature, of: Data(bytes[..<(parts.signature.startIndex - 1)])) })
        else {
            throw TokenRefusal(.badSignature, "the token is not signed by the key \(id)")
        }
        guard let payload = Base64URL.decoded(parts.payload), let claims = try? parser.jsonDecoder.decode(Claims.self, from: payload)
        else {
            throw TokenRefusal(.malformed, "the token's claims are not those of such a token")
        }
        return claims
    }

    /// Foreign text in a sentence: short, and without control characters.
    private static func shown(_ text: String?) -> String {
        guard let text else { return "not given" }
        let safe = text.unicodeScalars.prefix(40).map { $0.isASCII && $0.value >= 32 && $0.value < 127 ? Character($0) : "?" }
        return "\"\(String(safe))\""
    }
}
