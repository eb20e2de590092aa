import JSONModel
import MeshModel

/// What the control plane writes itself into resources that people and proxies bring. It stays when they are brought again, and
/// nobody else says it.
enum OwnFields {
    static func keep(in spec: inout JSON, kind: String, before: JSON?, zone: String) {
        let isOwn = Self.otherZone(spec, than: zone) == nil
        if kind == ResourceKind.zoneEgress.name || kind == ResourceKind.zoneIngress.name && isOwn { spec["zone"] = .string(zone) }
        if kind == ResourceKind.zoneIngress.name && isOwn { spec["availableServices"] = before?["availableServices"] }
    }

    /// The zone that a zone proxy's resource names, where that is not ours.
    static func otherZone(_ spec: JSON, than zone: String) -> String? {
        guard let named = spec["zone"]?.string, !named.isEmpty, named != zone else { return nil }
        return named
    }
}
