import Crypto
import FoundationEssentials
import JWTKit

/// Claims under a signature: RS256 with the key's id in the header (RFC 7515).
package enum TokenIssuer {
    package static func issue(_ claims: some TokenClaims, with key: SigningKey) throws(TokenKeyError) -> String {
        do {
            let serializer = DefaultJWTSerializer()
            var header = JWTHeader()
            header.alg = TokenRules.algorithm
            header.typ = "JWT"
            header.kid = key.id
            let payload = try serializer.serialize(Payload(claims: claims), header: header)
            let signed = Base64URL.encoded(try serializer.jsonEncoder.encode(header)) + "." + String(decoding: payload, as: UTF8.self)
            return signed + "." + Base64URL.encoded(try key.signature(of: Data(signed.utf8)))
        } catch {
            throw TokenKeyError(description: "could not sign a token with the key \(key.id): \(error)")
        }
    }
}

/// The library's form of claims.
private struct Payload<Claims: TokenClaims>: JWTPayload {
    var claims: Claims

    init(claims: Claims) { self.claims = claims }

    init(from decoder: any Decoder) throws { self.claims = try Claims(from: decoder) }

    func encode(to encoder: any Encoder) throws { try self.claims.encode(to: encoder) }

    /// Claims are judged by `TokenVerifier`, against the time it is given.
    func verify(using algorithm: some JWTAlgorithm) async throws {}
}
