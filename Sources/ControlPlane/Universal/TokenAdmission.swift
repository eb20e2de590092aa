import FoundationEssentials
import JSONModel
import MeshModel
package import Planning
package import Store
import Tokens

/// Admits proxies by tokens of our own: zone tokens for zone proxies, dataplane tokens for dataplanes.
package struct TokenAdmission: ProxyAuthenticator {
    private let store: ResourceStore
    private let keys: TokenKeys
    let zone: String

    package init(store: ResourceStore, keys: TokenKeys, zone: String) {
        self.store = store
        self.keys = keys
        self.zone = zone
    }

    package var home: Home { .universal }

    package func authenticate(token: String, as proxy: ProxyClaim) throws(AccessRefusal) {
        try self.authenticate(token: token, as: proxy, dataplane: self.dataplane(of: proxy))
    }

    /// - Parameter dataplane: the spec whose tags the token has to allow; nil where there is none yet.
    func authenticate(token: String, as proxy: ProxyClaim, dataplane: JSON?) throws(AccessRefusal) {
        let now = Date()
        do throws(TokenRefusal) {
            switch proxy.id.kind {
            case .egress, .ingress:
                let claims = try self.keys.verifier(.zoneTokens).verify(token, as: ZoneToken.self, now: now)
                try claims.check(scope: proxy.id.kind == .egress ? .egress : .ingress, zone: self.zone)
            case .dataplane:
                let verifier = self.keys.verifier(.dataplaneTokens(mesh: proxy.mesh))
                let claims = try verifier.verify(token, as: DataplaneToken.self, now: now)
                try claims.check(mesh: proxy.mesh, name: proxy.resourceName, tags: dataplane.map(Self.tags))
            }
        } catch {
            throw AccessRefusal(error)
        }
    }

    package func authorize(_ proxy: ProxyClaim, token: String) throws(AccessRefusal) {
        guard let resource = self.store[proxy.resourceID] else {
            throw AccessRefusal(
                .noResource,
                "there is no \(proxy.resourceID); start the proxy with --dataplane-file, or egretctl apply the resource first")
        }
        if proxy.id.kind == .ingress, let other = OwnFields.otherZone(resource.spec, than: self.zone) {
            throw AccessRefusal(
                .noResource,
                "\(proxy.resourceID) leads into zone \(other), and its proxies are that zone's; this control plane's zone is \(self.zone)")
        }
    }

    private func dataplane(of proxy: ProxyClaim) -> JSON? {
        proxy.id.kind == .dataplane ? self.store[proxy.resourceID]?.spec : nil
    }

    /// Each tag of a dataplane's inbounds and gateway with all of its values.
    static func tags(_ spec: JSON) -> [String: Set<String>] {
        var tags: [String: Set<String>] = [:]
        let sources =
            (spec.at("networking", "inbound")?.array ?? []).compactMap { $0["tags"] }
            + [spec.at("networking", "gateway", "tags")].compactMap(\.self)
        for source in sources {
            for (key, value) in source.object ?? [:] { if let value = value.string { tags[key, default: []].insert(value) } }
        }
        return tags
    }
}

extension ProxyClaim {
    /// The name without the mesh.
    var resourceName: String {
        self.id.kind == .dataplane ? String(self.id.name.dropFirst(self.mesh.count + 1)) : self.id.name
    }

    /// The resource a proxy outside of Kubernetes is.
    var resourceID: ResourceID {
        switch self.id.kind {
        case .egress: ResourceID(kind: ResourceKind.zoneEgress.name, name: self.resourceName)
        case .ingress: ResourceID(kind: ResourceKind.zoneIngress.name, name: self.resourceName)
        case .dataplane: ResourceID(kind: ResourceKind.dataplane.name, mesh: self.mesh, name: self.resourceName)
        }
    }
}
