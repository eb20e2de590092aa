/// A request that failed, by what the caller does next.
package enum KubeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Somebody wrote first (409 `Conflict`): read again, decide again.
    case conflict(KubeStatus)
    /// There is no such object, or no such type.
    case notFound(KubeStatus)
    /// A create found the name taken (409 `AlreadyExists`): read the other's.
    case alreadyExists(KubeStatus)
    /// The position in a list or watch is too old (410): start from nothing.
    case gone(KubeStatus)
    /// The object itself is wrong (422, 400, and 500 for an applied field that the type lacks): a person or a bug; sending it again
    /// cannot help.
    case invalid(KubeStatus)
    /// RBAC or admission said no (403): a person must act.
    case forbidden(KubeStatus)
    /// The credentials are bad or expired (401).
    case unauthorized(KubeStatus)
    /// The server asks for patience (429, or 503 with Retry-After).
    case throttled(KubeStatus, retryAfter: Duration)
    /// The server failed (5xx) or answered what it should not.
    case server(KubeStatus)
    /// No answer came. `isSafeToRepeat` says whether the request certainly never reached the server.
    case transport(message: String, isSafeToRepeat: Bool)
    /// The task was cancelled.
    case cancelled
    /// Our own side is not able to ask: credentials cannot be read, a plugin failed.
    case credentials(message: String)

    package init(_ status: KubeStatus) {
        switch (status.code, status.reason) {
        case (409, "AlreadyExists"): self = .alreadyExists(status)
        case (409, _): self = .conflict(status)
        case (404, _): self = .notFound(status)
        case (410, _): self = .gone(status)
        case (400, _), (422, _), (405, _), (406, _), (413, _), (415, _): self = .invalid(status)
        // What API servers call an internal error of theirs is an unknown field, such as one in a ZoneEgress's affinity.
        case (500, _) where status.message.hasPrefix("failed to create typed patch object"): self = .invalid(status)
        case (403, _): self = .forbidden(status)
        case (401, _): self = .unauthorized(status)
        case (429, _): self = .throttled(status, retryAfter: .seconds(status.retryAfterSeconds ?? 1))
        case (503, _) where status.retryAfterSeconds != nil:
            self = .throttled(status, retryAfter: .seconds(status.retryAfterSeconds ?? 1))
        default: self = .server(status)
        }
    }

    package var status: KubeStatus? {
        switch self {
        case .conflict(let status), .notFound(let status), .alreadyExists(let status), .gone(let status), .invalid(let status),
            .forbidden(let status), .unauthorized(let status), .throttled(let status, _), .server(let status):
            status
        case .transport, .cancelled, .credentials: nil
        }
    }

    package var description: String {
        switch self {
        case .transport(let message, _), .credentials(let message): message
        case .cancelled: "the request was cancelled"
        default: self.status.map(\.description) ?? ""
        }
    }

    /// Whether the same request may succeed later without anybody acting.
    package var isTransient: Bool {
        switch self {
        case .conflict, .gone, .throttled, .server, .transport, .unauthorized, .credentials: true
        case .notFound, .alreadyExists, .invalid, .forbidden, .cancelled: false
        }
    }
}

/// Why a reconcile did not reach its end, by what happens next.
package enum ReconcileFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Retrying cannot help until somebody changes something; that change will wake us.
    case needsPerson(reason: String)
    /// Something else has to happen first; look again after a while.
    case waiting(for: String, retryAfter: Duration)
    /// Try again with back-off.
    case transient(cause: String)

    package init(_ error: KubeError) {
        switch error {
        case .throttled(let status, let retryAfter): self = .waiting(for: status.description, retryAfter: retryAfter)
        case _ where error.isTransient: self = .transient(cause: error.description)
        default: self = .needsPerson(reason: error.description)
        }
    }

    package var description: String {
        switch self {
        case .needsPerson(let reason): reason
        case .waiting(let what, _): "waiting for \(what)"
        case .transient(let cause): cause
        }
    }
}
