/// Why a token is not accepted: a closed list, each with its own sentence. Two refusals are equal when their reasons are.
/// A sentence never quotes the token, only what its claims say.
package struct TokenRefusal: Error, Sendable, CustomStringConvertible {
    package enum Reason: String, CaseIterable, Hashable, Sendable {
        /// Not three parts of base64url, or not the claims of such a token.
        case malformed = "token_malformed"
        /// Not RS256: `none`, a symmetric algorithm under our public key, or any other.
        case wrongAlgorithm = "token_wrong_algorithm"
        case unknownKey = "token_unknown_key"
        case badSignature = "token_bad_signature"
        case notYetValid = "token_not_yet_valid"
        case expired = "token_expired"
        case revoked = "token_revoked"
        case wrongAudience = "token_wrong_audience"
        case wrongScope = "token_wrong_scope"
        case wrongZone = "token_wrong_zone"
        case wrongMesh = "token_wrong_mesh"
        case wrongName = "token_wrong_name"
        case wrongTags = "token_wrong_tags"
    }

    package let reason: Reason
    package let message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    package var description: String { self.message }
}

extension TokenRefusal: Equatable {
    package static func == (left: Self, right: Self) -> Bool { left.reason == right.reason }
}
