package import FoundationEssentials
import JSONModel
import MeshModel
import Tokens

/// Issues tokens: `POST /tokens/zone`, `POST /tokens/dataplane`, `POST /tokens/user`, for administrators.
package struct TokenAPI: Sendable {
    private let keys: TokenKeys
    private let zone: String
    private let authorityHash: @Sendable () -> String?

    /// - Parameter authorityHash: see `ZoneToken.authorityHash`.
    package init(keys: TokenKeys, zone: String, authorityHash: @escaping @Sendable () -> String?) {
        self.keys = keys
        self.zone = zone
        self.authorityHash = authorityHash
    }

    /// Nil for a path that is not of tokens.
    package func respond(to request: APIRequest, now: Date) async throws(APIProblem) -> APIReply? {
        guard request.path.first == "tokens" else { return nil }
        guard request.path.count == 2, request.method == .post else {
            throw APIProblem(404, "Not found", "there are POST /tokens/zone, POST /tokens/dataplane and POST /tokens/user")
        }
        guard request.isAdmin else { throw ResourceAPI.adminOnly }
        let json: JSON
        do { json = try JSON(parsing: Data(request.body)) } catch {
            throw APIProblem(400, "Could not read the body", "it is not JSON: \(error)")
        }
        let fields = Fields(json)
        let life = self.life(fields)
        let id = UUID().uuidString.lowercased()
        do {
            switch request.path[1] {
            case "zone":
                let (zone, scopes) = self.zoneClaims(fields)
                try Self.check(fields)
                let token = ZoneToken(zone: zone, scopes: scopes, id: id, now: now, life: life, authorityHash: self.authorityHash())
                return APIReply(text: try await self.keys.issue(token, for: .zoneTokens, now: now))
            case "dataplane":
                let mesh = fields.nonEmpty("mesh") ?? MeshName.default.text
                let tags = Self.tags(json["tags"], fields)
                let name = fields.string("name") ?? ""
                try Self.check(fields)
                let token = DataplaneToken(
                    mesh: mesh, name: name, tags: tags, id: id, now: now, life: life, authorityHash: self.authorityHash())
                return APIReply(text: try await self.keys.issue(token, for: .dataplaneTokens(mesh: mesh), now: now))
            case "user":
                let name = fields.nonEmpty("name") ?? ""
                let groups = fields.strings("groups") ?? []
                if !fields.has("name") { fields.violate("name", "cannot be empty") }
                try Self.check(fields)
                let token = UserToken(name: name, groups: groups, id: id, now: now, life: life)
                return APIReply(text: try await self.keys.issue(token, for: .userTokens, now: now))
            default:
                throw APIProblem(404, "Not found", "there are POST /tokens/zone, POST /tokens/dataplane and POST /tokens/user")
            }
        } catch let problem as APIProblem {
            throw problem
        } catch {
            throw APIProblem(500, "Could not issue a token", "\(error)")
        }
    }

    private static func check(_ fields: Fields) throws(APIProblem) {
        if !fields.violations.isEmpty { throw .invalid(InvalidResource(fields.violations)) }
    }

    /// As Kuma's: absent or empty means ten years.
    private func life(_ fields: Fields) -> Duration {
        guard let text = fields.string("validFor"), !text.isEmpty else { return TokenRules.longestLife }
        guard let life = GoDuration.parse(text), life >= .seconds(1) else {
            fields.violate("validFor", "has to be a time such as 720h or 30m, is \"\(text)\"")
            return .zero
        }
        return min(life, TokenRules.longestLife)
    }

    private func zoneClaims(_ fields: Fields) -> (zone: String, scopes: [ZoneToken.Scope]) {
        let words = fields.strings("scope") ?? []
        if words.isEmpty { fields.violate("scope", "cannot be empty") }
        let unknown = words.filter { ZoneToken.Scope(rawValue: $0) == nil }
        if !unknown.isEmpty {
            let known = ZoneToken.Scope.allCases.map(\.rawValue).joined(separator: ", ")
            fields.violate("scope", "unknown scopes: \(unknown.joined(separator: ", ")); there are \(known)")
        }
        // Without a zone the token is for this control plane's: one that fits everywhere is nobody's wish.
        let zone = fields.string("zone").flatMap { $0.isEmpty ? nil : $0 } ?? self.zone
        return (zone, words.compactMap(ZoneToken.Scope.init))
    }

    private static func tags(_ json: JSON?, _ fields: Fields) -> [String: [String]] {
        guard let json, !json.isNull else { return [:] }
        guard let members = json.object else {
            fields.violate("tags", "must be a map of lists of strings")
            return [:]
        }
        var tags: [String: [String]] = [:]
        for (key, value) in members {
            let values = (value.array ?? [value]).compactMap(\.string)
            if values.isEmpty { fields.violate("tags[\"\(key)\"]", "must be a list of strings") }
            tags[key] = values
        }
        return tags
    }
}
