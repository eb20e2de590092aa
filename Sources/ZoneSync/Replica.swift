package import ConfigSync
import MeshModel
import Tokens

/// What came from the global control plane, as a zone keeps it: with the label `kuma.io/origin: global`.
///
/// Meshes, and secrets that others name, keep their names. Everything else has its hash behind the name, so that it stands beside
/// what was made in the zone, and beside what belongs to another mesh where names are not of a mesh.
package enum Replica {
    /// What of a text this program can keep. The rest, such as kinds of a newer global control plane, is counted.
    package static func items(_ text: ConfigText) -> (items: [SharedItem], unknown: Int) {
        let (items, unreadable) = SharedText.items(text)
        let known = items.filter { GlobalShare.kinds.contains($0.id.kind) }
        return (known.map(Self.item), unreadable + items.count - known.count)
    }

    package static func item(_ shared: SharedItem) -> SharedItem {
        var item = shared
        item.labels[Origin.label] = Origin.global.rawValue
        if Self.keepsName(shared.id) { return item }
        item.labels[Origin.displayName] = shared.id.name
        item.id.name = GlobalName.of(shared.id.name, mesh: shared.id.mesh)
        return item
    }

    /// Known by name: what was made in the zone under the same one gives way.
    package static func keepsName(_ id: SharedItem.ID) -> Bool {
        switch id.kind {
        // An ingress has its hash already: it came from a zone.
        case ResourceKind.mesh.name, ResourceKind.zoneIngress.name: true
        case ResourceKind.secret.name:
            id.name != TokenKeyNames.Purpose.dataplaneTokens(mesh: id.mesh).revocations
                && TokenKeyNames.Purpose.dataplaneTokens(mesh: id.mesh).serial(ofPublicKey: id.name) == nil
        default: false
        }
    }
}
