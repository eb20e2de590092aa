import KubeAPI
import MeshModel
import Planning

/// One thing a plan wants done, with a name under which failures are remembered.
enum PlanItem {
    case authority(AuthorityRequest)
    case apply(Apply)
    case delete(Delete)
    case status(StatusPatch)

    /// What stays the same from plan to plan: which object is written, and under whose name.
    struct ID: Hashable, Sendable, CustomStringConvertible {
        var verb: String
        var kind: String
        var key: ObjectKey
        var manager = ""

        var description: String { "\(self.verb) \(self.kind)/\(self.key)" }
    }

    var id: ID {
        switch self {
        case .authority(let request): ID(verb: "make authority", kind: "Mesh", key: ObjectKey(name: request.mesh.text))
        case .apply(let apply): ID(verb: "apply", kind: apply.type.kind, key: apply.object.key, manager: apply.manager)
        case .delete(let delete): ID(verb: "delete", kind: delete.type.kind, key: delete.key)
        case .status(let patch): ID(verb: "report status", kind: patch.type.kind, key: patch.object.key)
        }
    }

    /// The object whose cached version tells whether our last write has come back by watch.
    var target: (type: ResourceType, key: ObjectKey)? {
        switch self {
        case .authority: nil
        case .apply(let apply): (apply.type, apply.object.key)
        case .delete(let delete): (delete.type, delete.key)
        case .status(let patch): (patch.type, patch.object.key)
        }
    }

    /// The mesh an authority is made for.
    var mesh: ObjectKey? { if case .authority(let request) = self { ObjectKey(name: request.mesh.text) } else { nil } }

    var asApply: Apply? { if case .apply(let apply) = self { apply } else { nil } }

    /// Whose condition tells of a failure. A status that cannot be written cannot tell either.
    var beneficiary: (kind: String, key: ObjectKey)? {
        switch self {
        case .authority(let request): (ResourceType.meshes.kind, ObjectKey(name: request.mesh.text))
        case .apply(let apply): (apply.regarding.kind, apply.regarding.key)
        case .delete(let delete): delete.regarding.map { ($0.kind, $0.key) }
        case .status: nil
        }
    }

    /// How sentences call what is written.
    var subject: String {
        switch self {
        case .authority(let request): "The certificate authority of mesh \(request.mesh)"
        case .apply(let apply): "\(apply.type.kind) \(apply.object.name)"
        case .delete(let delete): "\(delete.type.kind) \(delete.key.name)"
        case .status(let patch): "The status of \(patch.type.kind) \(patch.object.name)"
        }
    }

    /// Authorities first, because certificates wait for them; statuses last, because they tell of the rest.
    static func items(of plan: Plan) -> [PlanItem] {
        plan.authorities.map(PlanItem.authority) + plan.applies.map(PlanItem.apply) + plan.deletes.map(PlanItem.delete)
            + plan.statuses.map(PlanItem.status)
    }
}
