package import Planning
package import Store

/// Where the API reads resources: the store, or what is cached of a cluster.
package protocol ResourceReader: Sendable {
    /// Those of a kind, in the order of their ids.
    func resources(_ kind: String) -> [StoredResource]

    func resource(_ id: ResourceID) -> StoredResource?

    /// The proxies that a resource stands for: usually one, on Kubernetes the pods of an egress that has no address.
    func proxies(of id: ResourceID) -> [ProxyID]

    /// Whether a proxy is known to serve by other means than a stream to this control plane.
    func isServing(_ proxy: ProxyID) -> Bool
}

extension ResourceStore: ResourceReader {
    package func resources(_ kind: String) -> [StoredResource] { self.list(kind: kind) }

    package func resource(_ id: ResourceID) -> StoredResource? { self[id] }

    package func proxies(of id: ResourceID) -> [ProxyID] { SelfRegistration.proxy(of: id).map { [$0] } ?? [] }

    package func isServing(_ proxy: ProxyID) -> Bool { false }
}
