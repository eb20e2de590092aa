import FoundationEssentials
import JWTKit

/// The claims of a service account token, as a Kubernetes API server issues them.
struct ServiceAccountClaims: JWTPayload, Equatable {
    struct Reference: Codable, Hashable, Sendable {
        var name: String
        var uid: String
    }

    struct Binding: Codable, Hashable, Sendable {
        var namespace: String
        var serviceaccount: Reference
        var pod: Reference?
        var secret: Reference?
    }

    var iss: String
    var sub: String
    var aud: [String]
    var iat: Int
    var nbf: Int
    var exp: Int
    var jti: String
    var kubernetes: Binding

    enum CodingKeys: String, CodingKey {
        case iss, sub, aud, iat, nbf, exp, jti
        case kubernetes = "kubernetes.io"
    }

    /// Times and audiences are checked by `TokenAuthority`, against the clock it is given.
    func verify(using algorithm: some JWTAlgorithm) async throws {}
}
