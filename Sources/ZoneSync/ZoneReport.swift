package import JSONModel
package import MeshModel

/// What a zone tells the global control plane about itself, and what that makes of it.
package struct ZoneReport: Sendable {
    package static let kinds = [ResourceKind.zoneIngress, .zoneEgress, .dataplane]

    /// What is known of a proxy beside its resource.
    package struct Insight: Hashable, Sendable {
        /// Kuma's: subscriptions and certificates.
        package var insight: JSON
        /// The conditions that the zone's control plane found.
        package var status: JSON

        package init(insight: JSON, status: JSON) {
            self.insight = insight
            self.status = status
        }
    }

    /// One proxy of the zone as it is told.
    package static func items(_ resource: SharedItem, _ insight: Insight) -> [SharedItem] {
        var resource = resource
        // How this control plane came by it is its own affair.
        resource.labels = resource.labels.filter { !$0.key.hasPrefix("egret.io/") }
        var about = resource.id
        about.kind += Self.insightSuffix
        return [resource, SharedItem(about, spec: ["insight": insight.insight, "status": insight.status])]
    }

    /// What the zone says about itself.
    package static func about(_ zone: String, _ json: JSON) -> SharedItem {
        SharedItem(SharedItem.ID(kind: ResourceKind.zone.name + Self.insightSuffix, name: zone), spec: json)
    }

    private static let insightSuffix = "Insight"

    /// As the global control plane keeps them.
    package private(set) var resources: [SharedItem] = []
    /// By the ids of `resources`.
    package private(set) var insights: [SharedItem.ID: Insight] = [:]
    /// What the zone says about itself.
    package private(set) var about: JSON = [:]
    /// What is not kept, and why, a sentence each.
    package private(set) var dropped: [String] = []

    /// - Parameters:
    ///   - zone: of the sender, as its token proves; it counts whatever the items say.
    ///   - meshes: those the global control plane has.
    package init(_ items: [SharedItem], unreadable: Int = 0, from zone: String, meshes: Set<String>) {
        if unreadable > 0 { self.dropped.append("\(unreadable) items have a form that this program does not know") }
        for item in items {
            if item.id.kind.hasSuffix(Self.insightSuffix) {
                var id = item.id
                id.kind.removeLast(Self.insightSuffix.count)
                if id.kind == ResourceKind.zone.name {
                    self.about = item.spec
                    continue
                }
                self.insights[Self.kept(id, zone)] = Insight(insight: item.spec["insight"] ?? [:], status: item.spec["status"] ?? .null)
                continue
            }
            guard let kind = Self.kinds.first(where: { $0.name == item.id.kind }) else {
                self.dropped.append("\(item.id): zones tell nothing of this kind")
                continue
            }
            guard !kind.isOfMesh || meshes.contains(item.id.mesh) else {
                self.dropped.append("\(item.id): there is no such mesh here, so it is the zone's own affair")
                continue
            }
            do {
                try kind.check(item.id.name, kind.isOfMesh ? item.id.mesh : nil, item.spec)
            } catch {
                self.dropped.append("\(item.id): \(error)")
                continue
            }
            var item = item
            item.labels[Origin.label] = Origin.zone.rawValue
            item.labels[Origin.zoneLabel] = zone
            item.labels[Origin.displayName] = item.id.name
            item.id = Self.kept(item.id, zone)
            if !kind.isOfMesh { item.spec["zone"] = .string(zone) }
            self.resources.append(item)
        }
        let known = Set(self.resources.map(\.id))
        self.insights = self.insights.filter { known.contains($0.key) }
    }

    private static func kept(_ id: SharedItem.ID, _ zone: String) -> SharedItem.ID {
        var id = id
        id.name = GlobalName.of(id.name, mesh: id.mesh, zone: zone)
        return id
    }
}
