package import ConfigSync
import FoundationEssentials
import JSONModel
import MeshModel
import Tokens

/// What the global control plane gives to zones, of all that it has.
///
/// Meshes with everything that belongs to them, their secrets too, because each zone signs with the mesh's authority; keys that
/// prove tokens, never those that sign them; and to each zone the ingresses of the others. Nothing else: no egress, no dataplane,
/// no administrator's token.
package struct GlobalShare: Sendable {
    /// For all zones alike, made into text once.
    private let common: ConfigText
    private let ingresses: [(zone: String, item: SharedItem)]

    /// The kinds that it is made of.
    package static let kinds: Set<String> = Self.plain.union([
        ResourceKind.secret.name, ResourceKind.globalSecret.name, ResourceKind.zoneIngress.name,
    ])

    private static let plain: Set<String> = [
        ResourceKind.mesh.name, ResourceKind.externalService.name, ResourceKind.meshExternalService.name,
        ResourceKind.trafficPermission.name, ResourceKind.meshTrafficPermission.name, ResourceKind.trafficRoute.name,
        ResourceKind.meshTCPRoute.name, ResourceKind.meshHTTPRoute.name, ResourceKind.meshLoadBalancingStrategy.name,
    ]

    /// - Parameter resources: everything the global control plane has.
    package init(_ resources: some Sequence<SharedItem>) {
        let resources = Array(resources)
        let meshes = Set(resources.lazy.filter { $0.id.kind == ResourceKind.mesh.name }.map(\.id.name))
        var (common, ingresses) = ([SharedItem](), [(String, SharedItem)]())
        for var item in resources {
            // What belonged to a mesh that is gone stays here.
            guard item.id.mesh.isEmpty || meshes.contains(item.id.mesh) else { continue }
            let zone = item.labels[Origin.zoneLabel]
            item.labels = item.labels.filter { !$0.key.hasPrefix("egret.io/") && $0.key != Origin.label }
            switch item.id.kind {
            case ResourceKind.secret.name:
                if let secret = Self.secret(item, .dataplaneTokens(mesh: item.id.mesh)) ?? Self.other(item) { common.append(secret) }
            case ResourceKind.globalSecret.name: if let secret = Self.secret(item, .zoneTokens) { common.append(secret) }
            case ResourceKind.zoneIngress.name: if let zone { ingresses.append((zone, Self.ingress(item, meshes))) }
            case let kind where Self.plain.contains(kind): common.append(item)
            default: break
            }
        }
        self.common = SharedText.text(common)
        self.ingresses = ingresses
    }

    /// What a zone gets, in the order of `SharedText`: ingresses are the last of the kinds.
    package func text(for zone: String) -> ConfigText {
        let others = SharedText.text(self.ingresses.lazy.filter { $0.zone != zone }.map(\.item))
        return ConfigText(blocks: self.common.blocks + others.blocks)
    }

    /// A zone may have meshes of its own; the same name elsewhere is another mesh.
    private static func ingress(_ item: SharedItem, _ meshes: Set<String>) -> SharedItem {
        var item = item
        if let services = item.spec["availableServices"]?.array {
            item.spec["availableServices"] = .array(services.filter { meshes.contains($0["mesh"]?.string ?? MeshName.default.text) })
        }
        return item
    }

    /// What proves tokens: of a key that signs only the public half.
    private static func secret(_ item: SharedItem, _ purpose: TokenKeyNames.Purpose) -> SharedItem? {
        if item.id.name == purpose.revocations || purpose.serial(ofPublicKey: item.id.name) != nil { return item }
        guard let serial = purpose.serial(ofSigningKey: item.id.name),
            let pem = item.spec["data"]?.string.flatMap({ Data(base64Encoded: $0) }).map({ String(decoding: $0, as: UTF8.self) }),
            let key = try? SigningKey(id: "\(serial)", pem: pem, what: item.id.name).verificationKey
        else { return nil }
        var item = item
        item.id.name = purpose.publicKey(serial: serial)
        item.spec["data"] = .string(Data(key.pem.utf8).base64EncodedString())
        return item
    }

    /// A secret of a mesh that is no key of tokens: one that could not be read is none either.
    private static func other(_ item: SharedItem) -> SharedItem? {
        item.id.name.hasPrefix(TokenKeyNames.Purpose.dataplaneTokens(mesh: item.id.mesh).signingKeyStem) ? nil : item
    }
}
