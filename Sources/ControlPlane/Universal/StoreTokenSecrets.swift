package import FoundationEssentials
import JSONModel
import MeshModel
package import Store
import Tokens

/// Keys and revocations in the store: GlobalSecrets, and Secrets of a mesh.
package struct StoreTokenSecrets: TokenSecrets {
    private let store: ResourceStore

    package init(_ store: ResourceStore) { self.store = store }

    package func secrets(_ purpose: Purpose) -> [TokenSecret] {
        let place = self.id("", purpose)
        return self.store.list(kind: place.kind).filter { $0.id.mesh == place.mesh }.map { resource in
            TokenSecret(name: Self.name(resource), version: "\(resource.version)", text: Self.text(resource))
        }
    }

    package func create(_ name: String, text: String, for purpose: Purpose, now: Date) throws -> String {
        let id = self.id(name, purpose)
        do {
            try self.store.write {
                try $0.put(id, spec: ["data": .string(Data(text.utf8).base64EncodedString())], now: now, expecting: .absent)
            }
            return text
        } catch let error as StoreError where error.reason == .exists {
            return self.store[id].flatMap(Self.text) ?? ""
        }
    }

    /// Keys of a global control plane are kept under longer names.
    private static func name(_ resource: StoredResource) -> String { resource.labels[Origin.displayName] ?? resource.id.name }

    private func id(_ name: String, _ purpose: Purpose) -> ResourceID {
        switch purpose {
        case .zoneTokens, .userTokens: ResourceID(kind: ResourceKind.globalSecret.name, name: name)
        case .dataplaneTokens(let mesh): ResourceID(kind: ResourceKind.secret.name, mesh: mesh, name: name)
        }
    }

    private static func text(_ secret: StoredResource) -> String? {
        secret.spec["data"]?.string.flatMap { Data(base64Encoded: $0) }.flatMap { String(validating: $0, as: UTF8.self) }
    }
}
