private import JSONModel

extension KubeRequest {
    /// Asks whom a token belongs to, and whether it was made for one of `audiences`.
    package static func tokenReview(token: String, audiences: [String]) -> Self {
        Self(
            .post, ResourceType.tokenReviews.path(),
            body: [
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                "spec": ["token": .string(token), "audiences": .array(audiences.map(JSON.string))],
            ])
    }

    /// Asks for a token of a service account, bound to an object (usually the pod that will hold it).
    package static func tokenRequest(
        serviceAccount: String, namespace: String, audiences: [String], expirationSeconds: Int, boundTo object: KubeObject? = nil
    ) -> Self {
        var spec: JSON = [
            "audiences": .array(audiences.map(JSON.string)), "expirationSeconds": JSON(expirationSeconds),
        ]
        if let object {
            spec["boundObjectRef"] = [
                "apiVersion": .string(object.apiVersion), "kind": .string(object.kind), "name": .string(object.name),
                "uid": .string(object.metadata.uid),
            ]
        }
        return Self(
            .post, ResourceType.serviceAccounts.path(namespace: namespace, name: serviceAccount, subresource: "token"),
            body: ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec])
    }
}

/// What a TokenReview answered.
package struct TokenReviewAnswer: Hashable, Sendable {
    package var isAuthenticated: Bool
    package var error: String
    package var username: String
    package var uid: String
    package var groups: [String]
    package var audiences: [String]
    /// `authentication.kubernetes.io/pod-name`, `…/pod-uid`, … each with its values.
    package var extra: [String: [String]]

    package init(_ review: KubeObject) {
        let status = review.status
        let user = status["user"]
        self.isAuthenticated = status["authenticated"]?.bool ?? false
        self.error = status["error"]?.string ?? ""
        self.username = user?["username"]?.string ?? ""
        self.uid = user?["uid"]?.string ?? ""
        self.groups = (user?["groups"]?.array ?? []).compactMap(\.string)
        self.audiences = (status["audiences"]?.array ?? []).compactMap(\.string)
        self.extra = (user?["extra"]?.object ?? [:]).mapValues { ($0.array ?? []).compactMap(\.string) }
    }

    package var podName: String? { self.extra["authentication.kubernetes.io/pod-name"]?.first }
    package var podUID: String? { self.extra["authentication.kubernetes.io/pod-uid"]?.first }

    /// Namespace and name, when the user is a service account.
    package var serviceAccount: ObjectKey? {
        let parts = self.username.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount" else { return nil }
        return ObjectKey(namespace: String(parts[2]), name: String(parts[3]))
    }
}
