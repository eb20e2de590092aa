/// A policy of the newer form about what some proxies of a mesh call.
package protocol TargetingPolicy: MeshResource {
    var mesh: MeshName { get }
    /// The proxies whose calls are meant.
    var target: TargetRef { get }
    /// Fields in use that Egret accepts and does not act on, sorted.
    var ignoredFields: [String] { get }
}

extension TargetingPolicy {
    package static var nestsSpec: Bool { true }
}

extension Fields {
    /// Whose calls a policy is about. Without a word about it the whole mesh is meant, as since 2.8.
    func policyTarget() -> TargetRef {
        let target = self.object("targetRef").flatMap {
            $0.targetRef([.mesh, .meshSubset, .meshService, .meshServiceSubset, .meshGateway])
        }
        return target ?? TargetRef(.mesh)
    }
}
