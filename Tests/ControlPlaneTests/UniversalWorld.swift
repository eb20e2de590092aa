import ConfigSync
import Foundation
import JSONModel
import Logging
import Planning
import Store
import Tokens

@testable import ControlPlane

/// A store of its own with what stands around it in the universal mode.
final class UniversalWorld: Sendable {
    let now = Date()
    let folder: String
    let store: ResourceStore
    let keys: TokenKeys
    let presence = Presence()
    let api: ResourceAPI
    let tokens: TokenAPI
    let admission: TokenAdmission
    let registration: SelfRegistration

    init(zone: String = "east") throws {
        self.folder = NSTemporaryDirectory() + "egret-universal-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        self.store = try ResourceStore(file: self.folder + "/egret.db")
        self.keys = TokenKeys(StoreTokenSecrets(self.store))
        self.api = ResourceAPI(
            store: self.store, hub: ConfigHub(presence: self.presence), acknowledgements: AcknowledgementBook(), zone: zone)
        self.tokens = TokenAPI(keys: self.keys, zone: { zone }) { String(repeating: "a", count: 64) }
        self.admission = TokenAdmission(store: self.store, keys: self.keys, zone: zone)
        self.registration = SelfRegistration(
            store: self.store, admission: self.admission, presence: self.presence,
            logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
    }

    deinit { try? FileManager.default.removeItem(atPath: self.folder) }

    /// The answer's status and JSON; a problem's as well.
    func call(
        _ method: APIRequest.Method, _ path: String, _ body: JSON? = nil, query: [String: String] = [:], isAdmin: Bool = true
    ) -> (status: Int, json: JSON) {
        let request = APIRequest(
            method, path.split(separator: "/").map(String.init), query: query, body: body.map { Array($0.data) } ?? [], isAdmin: isAdmin)
        do throws(APIProblem) {
            guard let reply = try self.api.respond(to: request, now: self.now) else { return (404, .null) }
            guard case .json(let json) = reply.body else { return (reply.status, .null) }
            return (reply.status, json)
        } catch {
            return (error.status, error.json)
        }
    }

    func token(_ kind: String, _ body: JSON) async throws -> String {
        let reply = try await self.tokens.respond(to: APIRequest(.post, ["tokens", kind], body: Array(body.data)), now: self.now)
        guard case .text(let token)? = reply?.body else { throw APIProblem(500, "no token", "\(String(describing: reply))") }
        return token
    }

    func addMesh(_ name: String = "default") throws {
        try self.store.write { try $0.put(ResourceID(kind: "Mesh", name: name), spec: [:], now: self.now) }
    }

    /// Registers as a proxy would; nil when that is permitted.
    func refusal(_ resource: JSON, type: ProxyType = .egress, token: String, instance: String = "i") async -> AccessRefusal.Reason? {
        let claim = ProxyClaim(
            type: type, name: resource["name"]?.string ?? "", mesh: resource["mesh"]?.string ?? "", home: .universal)
        let message = Registration(
            proxyType: type, name: resource["name"]?.string ?? "", mesh: resource["mesh"]?.string ?? "", instance: instance,
            resource: resource)
        do throws(AccessRefusal) {
            try self.admission.authenticate(token: token, as: claim)
            try await self.registration.register(message, as: claim, token: token, now: self.now)
            return nil
        } catch {
            return error.reason
        }
    }
}
