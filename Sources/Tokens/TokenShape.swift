import FoundationEssentials
import JWTKit

/// Which kind of token a text seems to be, by the claims it has. Nothing is proven by this: it only chooses who is asked.
package enum TokenShape: Hashable, Sendable {
    case zone, dataplane, user
    /// Somebody else's, such as a service account's of Kubernetes, or no token at all.
    case foreign

    private enum Claim: String, CodingKey {
        case zone = "Zone"
        case scope = "Scope"
        case mesh = "Mesh"
        case groups = "Groups"
    }

    private struct Claims: Decodable {
        let shape: TokenShape

        init(from decoder: any Decoder) throws {
            let claims = try decoder.container(keyedBy: Claim.self)
            self.shape =
                claims.contains(.zone) || claims.contains(.scope)
                ? .zone : claims.contains(.mesh) ? .dataplane : claims.contains(.groups) ? .user : .foreign
        }
    }

    package init(of token: String) {
        let parser = DefaultJWTParser()
        guard token.utf8.count <= TokenRules.maxBytes, let parts = try? parser.getTokenParts(Array(token.utf8)),
            let payload = Base64URL.decoded(parts.payload), let claims = try? parser.jsonDecoder.decode(Claims.self, from: payload)
        else {
            self = .foreign
            return
        }
        self = claims.shape
    }
}
