/// Where resources are kept and proxies run. The rules are the same in both; who says that a proxy is there, and with which
/// tool a person looks, is not.
package enum Home: Hashable, Sendable {
    /// Objects of a cluster; proxies are pods, and the cluster says whether they are ready.
    case kubernetes
    /// A store of our own; proxies are machines, and their config streams say whether they are there. Names of resources
    /// that belong to a mesh are unique in it: their keys have the mesh in the place of the namespace.
    case universal
}

extension World {
    /// What to do next, in the tool of this home.
    func next(kubernetes: String, universal: String) -> String {
        switch self.observed.home {
        case .kubernetes: "Next: \(kubernetes)"
        case .universal: "Next: \(universal)"
        }
    }
}
