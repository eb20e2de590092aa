package import JSONModel
package import KubeAPI

// The calls everybody makes. Whatever is missing here is `send` with a request of one's own.
extension KubeClient {
    package func get(_ type: ResourceType, _ name: String, namespace: String? = nil) async throws(KubeError) -> KubeObject {
        KubeObject(try await self.send(.get(type, name, namespace: namespace)))
    }

    /// Nil instead of `.notFound`.
    package func find(_ type: ResourceType, _ name: String, namespace: String? = nil) async throws(KubeError) -> KubeObject? {
        do {
            return try await self.get(type, name, namespace: namespace)
        } catch .notFound {
            return nil
        }
    }

    package func page(_ request: KubeRequest, of type: ResourceType) async throws(KubeError) -> KubeListPage {
        KubeListPage(try await self.send(request), of: type)
    }

    /// All pages. When the server forgets the list's position in between, the list is read again in one piece.
    package func list(
        _ type: ResourceType, namespace: String? = nil, selector: ObjectSelector = .all
    ) async throws(KubeError) -> [KubeObject] {
        var objects: [KubeObject] = []
        var token: String?
        do {
            repeat {
                let request = KubeRequest.list(type, namespace: namespace, selector: selector, limit: 500, continue: token)
                let page = try await self.page(request, of: type)
                objects += page.objects
                token = page.continueToken
            } while token != nil
            return objects
        } catch .gone {
            return try await self.page(.list(type, namespace: namespace, selector: selector), of: type).objects
        }
    }

    @discardableResult
    package func create(_ type: ResourceType, _ object: KubeObject, fieldManager: String? = nil) async throws(KubeError) -> KubeObject {
        KubeObject(try await self.send(.create(type, object, fieldManager: fieldManager)))
    }

    @discardableResult
    package func replace(_ type: ResourceType, _ object: KubeObject, subresource: String? = nil) async throws(KubeError) -> KubeObject {
        KubeObject(try await self.send(.replace(type, object, subresource: subresource)))
    }

    @discardableResult
    package func apply(
        _ type: ResourceType, _ object: KubeObject, subresource: String? = nil, fieldManager: String, force: Bool = true
    ) async throws(KubeError) -> KubeObject {
        KubeObject(try await self.send(.apply(type, object, subresource: subresource, fieldManager: fieldManager, force: force)))
    }

    @discardableResult
    package func patch(
        _ kind: PatchKind, _ type: ResourceType, _ name: String, namespace: String? = nil, subresource: String? = nil, body: JSON,
        fieldManager: String? = nil
    ) async throws(KubeError) -> KubeObject {
        let request = KubeRequest.patch(
            kind, type, name, namespace: namespace, subresource: subresource, body: body, fieldManager: fieldManager)
        return KubeObject(try await self.send(request))
    }

    /// True when it was there.
    @discardableResult
    package func delete(
        _ type: ResourceType, _ name: String, namespace: String? = nil, preconditions: KubeRequest.Preconditions? = nil,
        propagation: DeletionPropagation = .background
    ) async throws(KubeError) -> Bool {
        do {
            try await self.send(.delete(type, name, namespace: namespace, preconditions: preconditions, propagation: propagation))
            return true
        } catch .notFound {
            return false
        }
    }

    package func reviewToken(_ token: String, audiences: [String]) async throws(KubeError) -> TokenReviewAnswer {
        TokenReviewAnswer(KubeObject(try await self.send(.tokenReview(token: token, audiences: audiences))))
    }
}
