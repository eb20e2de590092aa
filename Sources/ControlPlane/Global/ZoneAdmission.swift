package import FoundationEssentials
import JSONModel
import MeshModel
package import Store
import Tokens

/// Admits control planes of zones, by zone tokens with the scope `cp`. A zone is what its token says, and one zone name is one
/// zone: another that comes under the same name is told so.
package struct ZoneAdmission: Sendable {
    private let store: ResourceStore
    private let keys: TokenKeys

    /// On a Zone: by what its control planes are known, all replicas by the same.
    package static let identityLabel = "egret.io/zone-identity"

    package init(store: ResourceStore, keys: TokenKeys) {
        self.store = store
        self.keys = keys
    }

    /// The zone that a token speaks for.
    /// - Parameter zone: the one that its bearer says it is.
    package func zone(token: String, claiming zone: String, now: Date) throws(AccessRefusal) -> String {
        do throws(TokenRefusal) {
            let claims = try self.keys.verifier(.zoneTokens).verify(token, as: ZoneToken.self, now: now)
            try claims.check(scope: .cp, zone: zone)
            guard !claims.zone.isEmpty else {
                throw TokenRefusal(
                    .wrongZone,
                    "the token is bound to no zone; make one with egretctl generate zone-token --scope cp --zone \(zone)")
            }
            return claims.zone
        } catch {
            throw AccessRefusal(error)
        }
    }

    /// Makes the Zone of a control plane that comes for the first time.
    /// - Parameter identity: what tells its zone from others.
    package func enter(_ zone: String, identity: String, now: Date) throws(AccessRefusal) {
        let id = ResourceID(kind: ResourceKind.zone.name, name: zone)
        guard !identity.isEmpty else { throw AccessRefusal(.badRequest, "identity is missing") }
        if self.store[id]?.labels[Self.identityLabel] == identity { return }
        let known: StoredResource
        do {
            known = try self.store.write { transaction in
                if let known = try transaction.get(id) { return known }
                return try transaction.put(id, labels: [Self.identityLabel: identity], spec: ["enabled": true], now: now).resource
            }
        } catch {
            throw AccessRefusal(.unavailable, "\(error)")
        }
        guard known.labels[Self.identityLabel] == identity else {
            throw AccessRefusal(
                .zoneNameInUse,
                "there is another zone \(zone) already, since \(known.created.formatted(.iso8601)). Give this one a name and a token of its own; "
                    + "if it takes the other one's place, stop that one and run egretctl delete zone \(zone) at the global control plane")
        }
    }
}
