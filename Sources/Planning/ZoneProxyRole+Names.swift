package import KubeAPI
package import MeshModel

/// What is rendered for a ZoneEgress or ZoneIngress is the same but for these words.
extension ZoneProxyRole {
    package var type: ResourceType {
        switch self {
        case .egress: .zoneEgresses
        case .ingress: .zoneIngresses
        }
    }

    package var proxy: ProxyID.Kind {
        switch self {
        case .egress: .egress
        case .ingress: .ingress
        }
    }

    /// The one that the settings enable.
    var defaultName: String { self.rawValue }

    /// Of the settings, in the words of the chart.
    var setting: String { "kuma.\(self.rawValue).enabled" }

    /// Of pods: the name of their ZoneEgress or ZoneIngress.
    package var label: String { "kuma.io/zone-\(self.rawValue)" }

    /// Deployment, Service and ServiceAccount of one.
    package static func children(of name: String) -> String { "egret-\(name)" }

    func selector(_ name: String) -> [String: String] {
        ["app.kubernetes.io/name": "egret", "app.kubernetes.io/component": self.rawValue, "app.kubernetes.io/instance": name]
    }

    func labels(_ name: String) -> [String: String] {
        self.selector(name).merging(
            ["app.kubernetes.io/managed-by": "egret", self.label: name], uniquingKeysWith: { first, _ in first })
    }

    func selectorText(_ name: String) -> String {
        self.selector(name).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}

extension ProxyID.Kind {
    /// Nil for a dataplane.
    package var role: ZoneProxyRole? {
        switch self {
        case .egress: .egress
        case .ingress: .ingress
        case .dataplane: nil
        }
    }
}
