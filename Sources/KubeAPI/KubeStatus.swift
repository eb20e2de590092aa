package import JSONModel

/// The API's `Status` object (metav1.Status): how the server says no.
package struct KubeStatus: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Cause: Hashable, Sendable {
        /// `FieldValueInvalid`, `FieldValueRequired`, …
        package var reason: String
        package var message: String
        /// Path of the field, `spec.mtls.enabledBackend`; may be empty.
        package var field: String

        package init(reason: String, message: String, field: String) {
            self.reason = reason
            self.message = message
            self.field = field
        }

        package var json: JSON {
            ["reason": .string(self.reason), "message": .string(self.message), "field": .string(self.field)]
        }
    }

    package var code: Int
    /// `NotFound`, `AlreadyExists`, `Conflict`, `Expired`, …; empty where the server gave none.
    package var reason: String
    package var message: String
    package var causes: [Cause]
    package var retryAfterSeconds: Int?
    /// What the refusal is about, where the server says so.
    package var details: JSON?

    package init(
        code: Int, reason: String, message: String, causes: [Cause] = [], retryAfterSeconds: Int? = nil, details: JSON? = nil
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retryAfterSeconds = retryAfterSeconds
        self.details = details
    }

    /// Reads a `Status` object; nil when the value is something else.
    package init?(_ json: JSON) {
        guard json["kind"]?.string == "Status" else { return nil }
        let details = json["details"]
        self.init(
            code: json["code"]?.int ?? 0, reason: json["reason"]?.string ?? "", message: json["message"]?.string ?? "",
            causes: (details?["causes"]?.array ?? []).map {
                Cause(
                    reason: $0["reason"]?.string ?? "", message: $0["message"]?.string ?? "", field: $0["field"]?.string ?? "")
            }, retryAfterSeconds: details?["retryAfterSeconds"]?.int, details: details)
    }

    package var json: JSON {
        var details = self.details ?? .object([:])
        if !self.causes.isEmpty { details["causes"] = .array(self.causes.map(\.json)) }
        if let seconds = self.retryAfterSeconds { details["retryAfterSeconds"] = JSON(seconds) }
        var json: JSON = [
            "kind": "Status", "apiVersion": "v1", "metadata": .object([:]), "status": "Failure", "message": .string(self.message),
            "reason": .string(self.reason), "code": JSON(self.code),
        ]
        if details != .object([:]) { json["details"] = details }
        return json
    }

    package var description: String {
        self.message.isEmpty ? "the API server answered \(self.code)\(self.reason.isEmpty ? "" : " \(self.reason)")" : self.message
    }
}
