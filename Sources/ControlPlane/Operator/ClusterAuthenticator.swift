import FoundationEssentials
import JSONModel
package import KubeAPI
package import MeshModel
package import Planning
import Tokens

/// Kubernetes: pods prove themselves by their service account, zone proxies elsewhere, on a VM for instance, by a zone token.
///
/// A zone token opens only ZoneEgresses and ZoneIngresses with an address: the pods of the others are ours, and nobody else is them.
package struct ClusterAuthenticator: ProxyAuthenticator {
    /// A ZoneEgress or ZoneIngress of the system namespace.
    package typealias FindZoneProxy = @Sendable (_ role: ZoneProxyRole, _ name: String) -> KubeObject?

    private let pods: TokenAuthenticator
    private let keys: TokenKeys
    private let zone: @Sendable () -> String?
    private let find: FindZoneProxy

    /// - Parameter zone: of this control plane; nil while its settings are not read.
    package init(pods: TokenAuthenticator, keys: TokenKeys, zone: @escaping @Sendable () -> String?, find: @escaping FindZoneProxy) {
        self.pods = pods
        self.keys = keys
        self.zone = zone
        self.find = find
    }

    package var home: Home { .kubernetes }

    package func authenticate(token: String, as proxy: ProxyClaim) async throws(AccessRefusal) {
        switch TokenShape(of: token) {
        case .foreign, .user: try await self.pods.authenticate(token: token, as: proxy)
        case .zone: try self.checkZoneToken(token, proxy)
        case .dataplane:
            throw AccessRefusal(
                .tokenRejected, "on Kubernetes a dataplane is a pod and proves itself by its service account, not by a dataplane token")
        }
    }

    package func authorize(_ proxy: ProxyClaim, token: String) throws(AccessRefusal) {
        guard TokenShape(of: token) == .zone else { return try self.pods.authorize(proxy, token: token) }
        guard let role = proxy.id.kind.role, let zone = self.zone() else { return }
        let kind = role.type.kind
        guard let object = self.find(role, proxy.id.name) else {
            throw AccessRefusal(
                .noResource,
                "there is no \(kind) \(proxy.id.name) in the system namespace; kubectl apply one with networking.address, under the name "
                    + "that the proxy has by --name")
        }
        guard let address = object.spec.at("networking", "address")?.string, !address.isEmpty else {
            throw AccessRefusal(
                role == .egress ? .notAnEgress : .notAnIngress,
                "\(kind) \(proxy.id.name) has no networking.address, so its proxies are pods that this control plane runs; give the proxy "
                    + "a \(kind) of its own")
        }
        if role == .ingress, let other = OwnFields.otherZone(object.spec, than: zone) {
            throw AccessRefusal(
                .noResource, "\(kind) \(proxy.id.name) leads into zone \(other), and its proxies are that zone's; this is zone \(zone)")
        }
    }

    private func checkZoneToken(_ token: String, _ proxy: ProxyClaim) throws(AccessRefusal) {
        guard let zone = self.zone() else {
            throw AccessRefusal(.unavailable, "the control plane has not read its settings yet")
        }
        do throws(TokenRefusal) {
            let claims = try self.keys.verifier(.zoneTokens).verify(token, as: ZoneToken.self, now: .now)
            switch proxy.id.kind {
            case .egress: try claims.check(scope: .egress, zone: zone)
            case .ingress: try claims.check(scope: .ingress, zone: zone)
            case .dataplane: throw TokenRefusal(.wrongScope, "a zone token is for egresses and ingresses, not for a dataplane")
            }
        } catch {
            throw AccessRefusal(error)
        }
    }
}
