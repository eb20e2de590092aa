import MeshModel
package import Planning
import Store

/// Who may write what through the API, beside what every document has to be.
package struct WriteRules: Sendable {
    /// Whether a zone is connected: one that is cannot be deleted.
    package typealias IsConnected = @Sendable (_ zone: String) -> Bool

    /// The zone of this control plane; empty for the global one.
    package let zone: String
    private let standing: EgretSettings.Standing
    private let isConnected: IsConnected

    package init(zone: String, standing: EgretSettings.Standing = .alone, isConnected: @escaping IsConnected = { _ in false }) {
        self.zone = zone
        self.standing = standing
        self.isConnected = isConnected
    }

    var isGlobal: Bool { self.standing == .global }

    /// - Parameter before: what the document takes the place of.
    func checkPut(_ document: ResourceDocument, before: StoredResource?) throws(APIProblem) {
        try self.checkOrigin(document.kind, before, ResourceID(kind: document.kind.name, mesh: document.mesh ?? "", name: document.name))
        if document.kind.name == ResourceKind.zone.name {
            throw Self.denied(
                "nobody writes a Zone: its control plane makes it by coming. Start that one with --zone \(document.name) and the address of the global one"
            )
        }
        guard case .zone = self.standing, Origin.isGlobal(document.labels) else { return }
        throw .invalid(
            InvalidResource([
                Violation(field: "labels", message: "\(Origin.label): global is written by the control plane alone; leave it out")
            ]))
    }

    func checkDelete(_ kind: ResourceKind, _ resource: StoredResource) throws(APIProblem) {
        if kind.name == ResourceKind.zone.name, self.isGlobal, self.isConnected(resource.id.name) {
            throw APIProblem(
                409, "Conflict",
                "zone \(resource.id.name) is connected, and would be back at once; stop its control plane, or revoke its token, first")
        }
        if kind.name == ResourceKind.zone.name { return }
        try self.checkOrigin(kind, resource, resource.id)
    }

    private func checkOrigin(_ kind: ResourceKind, _ before: StoredResource?, _ id: ResourceID) throws(APIProblem) {
        switch self.standing {
        case .alone: return
        case .zone(let global):
            guard let before, Origin.isGlobal(before.labels) else { return }
            throw Self.denied(
                "the \(id) comes from the global control plane \(global.url), and would be put back; change it there, under the name "
                    + "\(before.labels[Origin.displayName] ?? id.name)")
        case .global:
            let ofZones = [ResourceKind.zoneEgress, .zoneIngress, .dataplane]
            guard ofZones.contains(where: { $0.name == kind.name }) else { return }
            let zone = before?.labels[Origin.zoneLabel].map { "zone \($0)" } ?? "its zone"
            throw Self.denied(
                "a \(kind.name) is written in a zone, and the global control plane shows it; use the control plane of \(zone)")
        }
    }

    private static func denied(_ detail: String) -> APIProblem { APIProblem(403, "Not written here", detail) }
}
