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
