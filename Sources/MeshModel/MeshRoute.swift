/// A destination of a route and its part of the calls.
package struct BackendRef: Hashable, Sendable {
    package let weight: Int
    package let reference: TargetRef
    /// Of a MeshExternalService, where several ports share its name.
    package let port: UInt16?

    package init(weight: Int = 1, reference: TargetRef, port: UInt16? = nil) {
        self.weight = weight
        self.reference = reference
        self.port = port
    }
}

extension Fields {
    /// The service that an entry of a route's `to` is about.
    func calledService(from target: TargetRef) -> TargetRef? {
        if !self.has("targetRef") { self.violate("targetRef.kind", "must be defined") }
        let called: Set<TargetRef.Kind> = target.kind == .meshGateway ? [.mesh] : [.meshService, .meshExternalService]
        return self.object("targetRef").flatMap { $0.targetRef(called) }
    }

    /// Of a route: whether an entry of its `to` names a port of the service.
    var namesSections: Bool { self.objects("to").contains { $0.object("targetRef")?.string("sectionName")?.isEmpty == false } }

    /// Where `backendRefs` leads, without entries of weight 0.
    func backendRefs() -> [BackendRef] {
        let backends = self.objects("backendRefs").compactMap { $0.backendRef([.meshService, .meshServiceSubset, .meshExternalService]) }
        if !backends.isEmpty, backends.allSatisfy({ $0.weight == 0 }) {
            self.violate("backendRefs", "there must be at least one entry with weight above 0")
        }
        return backends.filter { $0.weight > 0 }
    }

    func backendRef(_ supported: Set<TargetRef.Kind>) -> BackendRef? {
        let weight = self.int("weight") ?? 1
        if !(0...1_000_000).contains(weight) { self.violate("weight", "must be in the range [0, 1000000]") }
        let port = self.port("port")
        return self.targetRef(supported).map { BackendRef(weight: weight, reference: $0, port: port) }
    }
}
