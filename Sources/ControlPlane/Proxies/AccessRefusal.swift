package import ConfigSync
import Tokens

/// Why the control plane does not serve a proxy. The sentence says what to do and is told to the proxy as well as to the log.
package struct AccessRefusal: Error, Sendable, CustomStringConvertible {
    /// A closed list: log field and `type` of the problem details.
    package enum Reason: String, CaseIterable, Hashable, Sendable {
        case badRequest = "bad_request"
        // 401: we do not know who this is.
        case noToken = "no_token"
        case tokenRejected = "token_rejected"
        case wrongAudience = "wrong_audience"
        case notAServiceAccount = "not_a_service_account"
        case notBoundToPod = "not_bound_to_pod"
        case tokenMalformed = "token_malformed"
        case tokenWrongAlgorithm = "token_wrong_algorithm"
        case tokenUnknownKey = "token_unknown_key"
        case tokenBadSignature = "token_bad_signature"
        case tokenNotYetValid = "token_not_yet_valid"
        case tokenExpired = "token_expired"
        case tokenRevoked = "token_revoked"
        case tokenWrongAudience = "token_wrong_audience"
        // 403: we know who this is, and that it may not.
        case tokenWrongScope = "token_wrong_scope"
        case tokenWrongZone = "token_wrong_zone"
        case tokenWrongMesh = "token_wrong_mesh"
        case tokenWrongName = "token_wrong_name"
        case tokenWrongTags = "token_wrong_tags"
        case wrongNamespace = "wrong_namespace"
        case wrongPod = "wrong_pod"
        case unknownPod = "unknown_pod"
        case wrongServiceAccount = "wrong_service_account"
        case notAnEgress = "not_an_egress"
        case notAnIngress = "not_an_ingress"
        case noDataplane = "no_dataplane"
        case noResource = "no_resource"
        case wrongMesh = "wrong_mesh"
        case noIdentity = "no_identity"
        case nameInUse = "name_in_use"
        case badSigningRequest = "bad_signing_request"
        case foreignSigningRequest = "foreign_signing_request"
        case zoneNameInUse = "zone_name_in_use"
        /// A proxy asks the global control plane, which has none.
        case globalControlPlane = "global_control_plane"
        // 409: send all of it.
        case unknownBase = "unknown_base"
        // 503: ask again.
        case unavailable
    }

    package let reason: Reason
    package let message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    package var status: Int {
        switch self.reason {
        case .badRequest: 400
        case .noToken, .tokenRejected, .wrongAudience, .notAServiceAccount, .notBoundToPod, .tokenMalformed, .tokenWrongAlgorithm,
            .tokenUnknownKey, .tokenBadSignature, .tokenNotYetValid, .tokenExpired, .tokenRevoked, .tokenWrongAudience:
            401
        case .wrongNamespace, .wrongPod, .unknownPod, .wrongServiceAccount, .notAnEgress, .notAnIngress, .noDataplane, .noResource,
            .wrongMesh, .noIdentity, .badSigningRequest, .foreignSigningRequest, .nameInUse, .tokenWrongScope, .tokenWrongZone,
            .tokenWrongMesh, .tokenWrongName, .tokenWrongTags, .zoneNameInUse, .globalControlPlane:
            403
        case .unknownBase: 409
        case .unavailable: 503
        }
    }

    package var problem: ProblemDetails {
        let title =
            switch self.status {
            case 400: "Bad Request"
            case 401: "Unauthorized"
            case 409: "Conflict"
            case 503: "Service Unavailable"
            default: "Forbidden"
            }
        return ProblemDetails(type: "urn:egret:\(self.reason.rawValue)", title: title, status: self.status, detail: self.message)
    }

    package var description: String { self.message }
}

extension AccessRefusal {
    /// Both lists name the same faults by the same words.
    init(_ refusal: TokenRefusal) {
        let reason: Reason =
            switch refusal.reason {
            case .malformed: .tokenMalformed
            case .wrongAlgorithm: .tokenWrongAlgorithm
            case .unknownKey: .tokenUnknownKey
            case .badSignature: .tokenBadSignature
            case .notYetValid: .tokenNotYetValid
            case .expired: .tokenExpired
            case .revoked: .tokenRevoked
            case .wrongAudience: .tokenWrongAudience
            case .wrongScope: .tokenWrongScope
            case .wrongZone: .tokenWrongZone
            case .wrongMesh: .tokenWrongMesh
            case .wrongName: .tokenWrongName
            case .wrongTags: .tokenWrongTags
            }
        self.init(reason, refusal.message)
    }
}

extension AccessRefusal: Equatable {
    package static func == (left: Self, right: Self) -> Bool { left.reason == right.reason }
}
