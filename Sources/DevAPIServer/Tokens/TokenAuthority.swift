import Crypto
import FoundationEssentials
import JSONModel
import JWTKit

/// Who a request comes from.
struct User: Hashable, Sendable {
    var name: String
    var uid: String = ""
    var groups: [String] = []
    var extra: [String: [String]] = [:]

    static let admin = User(name: "kubernetes-admin", groups: ["system:masters", "system:authenticated"])

    var json: JSON {
        var user: JSON = ["username": JSON(self.name), "groups": .array(self.groups.map { JSON($0) })]
        if !self.uid.isEmpty { user["uid"] = JSON(self.uid) }
        if !self.extra.isEmpty { user["extra"] = .object(self.extra.mapValues { .array($0.map { JSON($0) }) }) }
        return user
    }
}

/// Issues and checks service account tokens, and knows the administrator's token.
final class TokenAuthority: Sendable {
    static let issuer = "https://kubernetes.default.svc.cluster.local"
    /// What a token is for when nobody says otherwise.
    static let defaultAudience = "https://kubernetes.default.svc.cluster.local"

    /// The CA that signs the server's certificate; pods get it.
    let caPEM: String
    private let adminTokenHash: [UInt8]
    private let keys: JWTKeyCollection

    init(caPEM: String, adminToken: String) async {
        self.caPEM = caPEM
        self.adminTokenHash = Array(SHA256.hash(data: Data(adminToken.utf8)))
        self.keys = await JWTKeyCollection().add(ecdsa: ES256PrivateKey(), kid: "egret-devcluster")
    }

    struct Refusal: Error, Hashable { let reason: String }

    /// The user of an Authorization header.
    func user(of header: String?, store: Store, now: Date) async throws -> User {
        guard let header, header.lowercased().hasPrefix("bearer ") else { throw APIError.unauthorized }
        let token = header.dropFirst("bearer ".count).trimmed
        if self.isAdmin(token) { return .admin }
        do {
            return try await self.authenticate(token, audiences: [Self.defaultAudience], store: store, now: now).user
        } catch { throw APIError.unauthorized }
    }

    func isAdmin(_ token: String) -> Bool { Array(SHA256.hash(data: Data(token.utf8))) == self.adminTokenHash }

    func issue(_ claims: ServiceAccountClaims) async throws -> String { try await self.keys.sign(claims, kid: "egret-devcluster") }

    struct Verdict: Sendable {
        let user: User
        let audiences: [String]
    }

    /// Checks signature, times, audiences, and that the service account and the bound pod are still the ones meant.
    func authenticate(_ token: String, audiences: [String], store: Store, now: Date) async throws(Refusal) -> Verdict {
        let claims: ServiceAccountClaims
        do { claims = try await self.keys.verify(token, as: ServiceAccountClaims.self) } catch {
            throw Refusal(reason: "invalid bearer token")
        }
        let seconds = Int(now.timeIntervalSince1970)
        guard claims.iss == Self.issuer else { throw Refusal(reason: "invalid bearer token, unknown issuer") }
        guard seconds < claims.exp else { throw Refusal(reason: "invalid bearer token, service account token has expired") }
        guard claims.nbf <= seconds + 10 else { throw Refusal(reason: "invalid bearer token, service account token is not valid yet") }
        let shared = claims.aud.filter(audiences.contains)
        guard !shared.isEmpty else {
            throw Refusal(
                reason:
                    "invalid bearer token, token audiences [\(claims.aud.joined(separator: " "))] is invalid for the target audiences [\(audiences.joined(separator: " "))]"
            )
        }
        let binding = claims.kubernetes
        func present(_ resource: String, _ name: String) -> JSON? {
            store.object(ObjectKey(resource: resource, namespace: binding.namespace, name: name))
        }
        guard present("serviceaccounts", binding.serviceaccount.name)?.meta("uid") == binding.serviceaccount.uid else {
            throw Refusal(
                reason: "invalid bearer token, service account \(binding.namespace)/\(binding.serviceaccount.name) has been deleted")
        }
        var user = User(
            name: "system:serviceaccount:\(binding.namespace):\(binding.serviceaccount.name)", uid: binding.serviceaccount.uid,
            groups: ["system:serviceaccounts", "system:serviceaccounts:\(binding.namespace)", "system:authenticated"],
            extra: ["authentication.kubernetes.io/credential-id": ["JTI=\(claims.jti)"]])
        if let pod = binding.pod {
            guard let found = present("pods", pod.name), found.meta("uid") == pod.uid else {
                throw Refusal(reason: "invalid bearer token, pod \(binding.namespace)/\(pod.name) has been deleted")
            }
            user.extra["authentication.kubernetes.io/pod-name"] = [pod.name]
            user.extra["authentication.kubernetes.io/pod-uid"] = [pod.uid]
            if let node = found.at("spec", "nodeName")?.string { user.extra["authentication.kubernetes.io/node-name"] = [node] }
        }
        if let secret = binding.secret, present("secrets", secret.name)?.meta("uid") != secret.uid {
            throw Refusal(reason: "invalid bearer token, secret \(binding.namespace)/\(secret.name) has been deleted")
        }
        return Verdict(user: user, audiences: shared)
    }
}
