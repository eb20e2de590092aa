package import FoundationEssentials
import JSONModel
import MeshModel
import Tokens

/// Issues tokens: `POST /tokens/zone`, `POST /tokens/dataplane`, `POST /tokens/user`, for administrators.
package struct TokenAPI: Sendable {
    private let keys: TokenKeys
    /// Nil while it is not known.
    private let zone: @Sendable () -> String?
    private let isGlobal: Bool
    private let hasDataplaneTokens: Bool
    private let authorityHash: @Sendable () -> String?

    /// - Parameters:
    ///   - zone: this control plane's.
    ///   - isGlobal: whether zones come to this one; it is in none.
    ///   - hasDataplaneTokens: whether dataplanes prove themselves by tokens of ours.
    ///   - authorityHash: see `ZoneToken.authorityHash`.
    package init(
        keys: TokenKeys, zone: @escaping @Sendable () -> String?, isGlobal: Bool = false, hasDataplaneTokens: Bool = true,
        authorityHash: @escaping @Sendable () -> String?
    ) {
        self.keys = keys
        self.zone = zone
        self.isGlobal = isGlobal
        self.hasDataplaneTokens = hasDataplaneTokens
        self.authorityHash = authorityHash
    }

    /// Nil for a path that is not of tokens.
    package func respond(to request: APIRequest, now: Date) async throws(APIProblem) -> APIReply? {
        guard request.path.first == "tokens" else { return nil }
        guard request.path.count == 2, request.method == .post else {
            throw Self.nowhere
        }
        guard request.isAdmin else { throw ResourceAPI.adminOnly }
        let json: JSON
        do { json = try JSON(parsing: Data(request.body)) } catch {
            throw APIProblem(400, "Could not read the body", "the body is \(error)")
        }
        let fields = Fields(json)
        let life = Self.life(fields)
        do {
            return APIReply(text: try await self.issue(request.path[1], json, fields, life, now: now))
        } catch let problem as APIProblem {
            throw problem
        } catch let error as TokenKeyError {
            throw APIProblem(409, "Could not issue a token", error.description)
        } catch {
            throw APIProblem(500, "Could not issue a token", "\(error)")
        }
    }

    private func issue(_ kind: String, _ json: JSON, _ fields: Fields, _ life: Duration, now: Date) async throws -> String {
        let id = UUID().uuidString.lowercased()
        switch kind {
        case "zone":
            fields.refuseUnknown(["zone", "scope", "validFor"])
            let (zone, scopes) = try self.zoneClaims(fields)
            try Self.check(fields)
            let claims = ZoneToken(zone: zone, scopes: scopes, id: id, now: now, life: life, authorityHash: self.authorityHash())
            let key = try await self.keys.signingKey(.zoneTokens, now: now)
            return try TokenIssuer.issue(claims, with: key)
        case "dataplane":
            guard self.hasDataplaneTokens else {
                throw APIProblem(
                    404, "Not found",
                    "on Kubernetes dataplanes are pods, which prove themselves by their service account; they need no token")
            }
            fields.refuseUnknown(["mesh", "name", "tags", "type", "validFor"])
            let mesh = fields.nonEmpty("mesh") ?? MeshName.default.text
            let tags = Self.tags(json["tags"], fields)
            let name = fields.string("name") ?? ""
            if let type = fields.string("type"), !["", "dataplane"].contains(type) {
                fields.violate("type", "has to be dataplane, is \"\(type)\"; zone proxies have zone tokens")
            }
            do { _ = try MeshName(mesh) } catch { fields.violate("mesh", error.message) }
            try Self.check(fields)
            let claims = DataplaneToken(
                mesh: mesh, name: name, tags: tags, id: id, now: now, life: life, authorityHash: self.authorityHash())
            let key = try await self.keys.signingKey(.dataplaneTokens(mesh: mesh), now: now)
            return try TokenIssuer.issue(claims, with: key)
        case "user":
            fields.refuseUnknown(["name", "groups", "validFor"])
            let name = fields.nonEmpty("name") ?? ""
            let groups = fields.strings("groups") ?? []
            if !fields.has("name") { fields.violate("name", "cannot be empty") }
            try Self.check(fields)
            let key = try await self.keys.signingKey(.userTokens, now: now)
            return try TokenIssuer.issue(UserToken(name: name, groups: groups, id: id, now: now, life: life), with: key)
        default: throw Self.nowhere
        }
    }

    private static let nowhere = APIProblem(
        404, "Not found", "there are POST /tokens/zone, POST /tokens/dataplane and POST /tokens/user")

    private static func check(_ fields: Fields) throws(APIProblem) {
        if !fields.violations.isEmpty { throw .invalid(InvalidResource(fields.violations)) }
    }

    /// As Kuma's: absent or empty means ten years.
    private static func life(_ fields: Fields) -> Duration {
        guard let text = fields.string("validFor"), !text.isEmpty else { return TokenRules.longestLife }
        guard let life = GoDuration.parse(text) else {
            fields.violate("validFor", "has to be a time such as 720h or 30m, is \"\(text)\"")
            return .zero
        }
        if let objection = TokenRules.objection(toLife: life) { fields.violate("validFor", "\(objection), is \(text)") }
        return life
    }

    private func zoneClaims(_ fields: Fields) throws(APIProblem) -> (zone: String, scopes: [ZoneToken.Scope]) {
        let words = fields.strings("scope") ?? []
        if words.isEmpty, !fields.violations.contains(where: { $0.field == "scope" }) { fields.violate("scope", "cannot be empty") }
        let unknown = words.filter { ZoneToken.Scope(rawValue: $0) == nil }
        if !unknown.isEmpty {
            let known = ZoneToken.Scope.allCases.map(\.rawValue).joined(separator: ", ")
            fields.violate("scope", "unknown scopes: \(unknown.joined(separator: ", ")); there are \(known)")
        }
        if words.contains(ZoneToken.Scope.cp.rawValue), !self.isGlobal {
            fields.violate("scope", "cp is for control planes of zones; the global control plane issues such tokens")
        }
        if self.isGlobal, !fields.has("zone") || fields.string("zone") == "" {
            fields.violate("zone", "cannot be empty: the global control plane is in no zone; name the one that the token is for")
            return ("", [])
        }
        // Without a zone the token is for this control plane's: one that fits everywhere is nobody's wish.
        guard let zone = fields.string("zone").flatMap({ $0.isEmpty ? nil : $0 }) ?? self.zone() else {
            throw APIProblem(503, "Not ready", "the control plane does not know its zone yet; its settings are not there, or give a zone")
        }
        do { _ = try ZoneName(zone) } catch { fields.violate("zone", error.message) }
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
