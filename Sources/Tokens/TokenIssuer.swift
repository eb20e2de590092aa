import JWTKit

/// Claims under a signature: RS256 with the key's id in the header (RFC 7515).
package enum TokenIssuer {
    package static func issue(_ claims: some TokenClaims, with key: SigningKey) async throws(TokenKeyError) -> String {
        do {
            let keys = JWTKeyCollection()
            await keys.add(rsa: key.key, digestAlgorithm: .sha256, kid: JWKIdentifier(string: key.id))
            return try await keys.sign(Payload(claims: claims), kid: JWKIdentifier(string: key.id))
        } catch {
            throw TokenKeyError(description: "could not sign a token with the key \(key.id): \(error)")
        }
    }
}

/// The library's form of claims.
struct Payload<Claims: TokenClaims>: JWTPayload {
    var claims: Claims

    init(claims: Claims) { self.claims = claims }

    init(from decoder: any Decoder) throws { self.claims = try Claims(from: decoder) }

    func encode(to encoder: any Encoder) throws { try self.claims.encode(to: encoder) }

    /// Claims are judged by `TokenVerifier`, against the time it is given.
    func verify(using algorithm: some JWTAlgorithm) async throws {}
}
