/// Why a condition is as it is: a closed list, each explained in docs/conditions.md. The same word stands in the log
/// line, the event and the condition.
package enum Reason: String, CaseIterable, Hashable, Sendable {
    // Good.
    case accepted = "Accepted"
    case ready = "Ready"
    case programmed = "Programmed"

    // The object itself.
    case invalidSpec = "InvalidSpec"
    case mtlsRequired = "MTLSRequired"
    case wrongNamespace = "WrongNamespace"
    case zoneMismatch = "ZoneMismatch"
    case meshNotFound = "MeshNotFound"
    case permissionDenied = "PermissionDenied"
    case conflict = "Conflict"
    case nameTaken = "NameTaken"
    case unsupported = "Unsupported"

    // What it needs.
    case authorityPending = "AuthorityPending"
    case authorityUnusable = "AuthorityUnusable"
    case secretNotFound = "SecretNotFound"
    case fileUnreadable = "FileUnreadable"
    case podNotFound = "PodNotFound"
    case notAdvertised = "NotAdvertised"
    case notPermitted = "NoPermission"
    case notVerified = "NotVerified"

    // What runs.
    case egressDisabled = "EgressDisabled"
    case ingressDisabled = "IngressDisabled"
    case deploymentProgressing = "DeploymentProgressing"
    case deploymentUnavailable = "DeploymentUnavailable"
    case offline = "Offline"
    case noReadyEndpoints = "NoReadyEndpoints"
    case configRejected = "ConfigRejected"
}
