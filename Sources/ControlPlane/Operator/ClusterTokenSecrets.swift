package import FoundationEssentials
import JSONModel
import KubeAPI
import MeshModel
import Tokens

/// Keys and revocations as Secrets of the system namespace, in Kuma's form: type `system.kuma.io/global-secret`, those of a
/// mesh `system.kuma.io/secret` with the label `kuma.io/mesh`, the text under `value`.
package struct ClusterTokenSecrets: TokenSecrets {
    private let source: any WorldSource
    private let writer: any ClusterWriter

    package init(source: any WorldSource, writer: any ClusterWriter) {
        self.source = source
        self.writer = writer
    }

    package func secrets(_ purpose: Purpose) -> [TokenSecret] {
        let (type, mesh) = Self.place(purpose)
        return self.source.objects(.secrets).filter { object in
            guard object.namespace == self.source.namespace, object["type"]?.string == type else { return false }
            return mesh == nil || (object.metadata.labels["kuma.io/mesh"] ?? MeshName.default.text) == mesh
        }.map(Self.secret)
    }

    package func create(_ name: String, text: String, for purpose: Purpose, now: Date) async throws -> String {
        let (type, mesh) = Self.place(purpose)
        let object = KubeObject.secret(
            name: name, namespace: self.source.namespace, type: type, labels: mesh.map { ["kuma.io/mesh": $0] } ?? [:],
            texts: ["value": text])
        do {
            _ = try await self.writer.create(.secrets, object)
            return text
        } catch {
            guard case .alreadyExists = error else { throw error }
            // Another replica was faster: its key counts.
            return try await self.writer.find(.secrets, object.key)?.secretText("value") ?? ""
        }
    }

    private static func place(_ purpose: Purpose) -> (type: String, mesh: String?) {
        switch purpose {
        case .zoneTokens, .userTokens: ("system.kuma.io/global-secret", nil)
        case .dataplaneTokens(let mesh): ("system.kuma.io/secret", mesh)
        }
    }

    private static func secret(_ object: KubeObject) -> TokenSecret {
        TokenSecret(
            // Keys of a global control plane are kept under longer names.
            name: object.metadata.labels[Origin.displayName] ?? object.name,
            version: "\(object.metadata.uid) \(object.metadata.resourceVersion ?? "")",
            text: object.secretText("value"))
    }
}
