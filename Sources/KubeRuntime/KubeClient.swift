package import CurlTransport
package import JSONModel
package import KubeAPI
package import Logging

/// Talks to one API server: adds who asks, obeys 429 and Retry-After, repeats what may be repeated, keeps to a rate.
package final class KubeClient: Sendable {
    /// Requests per second over time, and how many may go at once.
    package struct Rate: Sendable {
        package var perSecond: Double
        package var burst: Int
        package init(perSecond: Double = 50, burst: Int = 100) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    package let config: ClusterConfig

    package init(
        _ config: ClusterConfig, transport: CurlTransport = CurlTransport(), userAgent: String, rate: Rate = Rate(),
        logger: Logger = Logger(label: "egret.kube")
    ) { fatalError("follows") }

    /// The answer's JSON; any status but 2xx is thrown.
    @discardableResult
    package func send(_ request: KubeRequest) async throws(KubeError) -> JSON { fatalError("follows") }
    /// The answer's raw text (pod logs, `/version`, `/openapi`).
    package func sendText(_ request: KubeRequest) async throws(KubeError) -> String { fatalError("follows") }
    /// A streamed answer (watch, `log?follow=true`). `idle` is the longest silence.
    package func stream(_ request: KubeRequest, idle: Duration?) async throws(KubeError) -> HTTPStream { fatalError("follows") }

    package func get(_ type: ResourceType, _ name: String, namespace: String? = nil) async throws(KubeError) -> KubeObject {
        fatalError("follows")
    }
    /// Nil instead of `.notFound`.
    package func find(_ type: ResourceType, _ name: String, namespace: String? = nil) async throws(KubeError) -> KubeObject? {
        fatalError("follows")
    }
    /// All pages.
    package func list(_ type: ResourceType, namespace: String? = nil, selector: ObjectSelector = .all) async throws(KubeError)
        -> [KubeObject]
    { fatalError("follows") }
    @discardableResult
    package func create(_ type: ResourceType, _ object: KubeObject, fieldManager: String? = nil) async throws(KubeError) -> KubeObject {
        fatalError("follows")
    }
    @discardableResult
    package func replace(_ type: ResourceType, _ object: KubeObject, subresource: String? = nil) async throws(KubeError) -> KubeObject {
        fatalError("follows")
    }
    @discardableResult
    package func apply(_ type: ResourceType, _ object: KubeObject, subresource: String? = nil, fieldManager: String, force: Bool = true)
        async throws(KubeError) -> KubeObject
    { fatalError("follows") }
    @discardableResult
    package func patch(
        _ kind: PatchKind, _ type: ResourceType, _ name: String, namespace: String? = nil, subresource: String? = nil, body: JSON,
        fieldManager: String? = nil
    ) async throws(KubeError) -> KubeObject { fatalError("follows") }
    /// True when it was there.
    @discardableResult
    package func delete(
        _ type: ResourceType, _ name: String, namespace: String? = nil, preconditions: KubeRequest.Preconditions? = nil,
        propagation: DeletionPropagation = .background
    ) async throws(KubeError) -> Bool { fatalError("follows") }
    package func reviewToken(_ token: String, audiences: [String]) async throws(KubeError) -> TokenReviewAnswer { fatalError("follows") }
}
