import FoundationEssentials
import JSONModel
import MeshModel
import Store
import Tokens

/// The token by which administrators on other machines prove themselves; on this one the API shows it.
enum AdminToken {
    static func ensure(_ store: ResourceStore, _ keys: TokenKeys, now: Date) async throws {
        let id = ResourceID(kind: ResourceKind.globalSecret.name, name: "admin-user-token")
        guard store[id] == nil else { return }
        let claims = UserToken(
            name: "mesh-system:admin", groups: [UserToken.adminGroup], id: UUID().uuidString.lowercased(), now: now,
            life: TokenRules.longestLife)
        let token = try TokenIssuer.issue(claims, with: try await keys.signingKey(.userTokens, now: now))
        try store.write { try $0.put(id, spec: ["data": .string(Data(token.utf8).base64EncodedString())], now: now) }
    }
}
