package import FoundationEssentials
package import JSONModel
package import KubeAPI
package import MeshModel
package import Routing

/// What should happen now. Carrying it out twice is harmless, and a world that already is as planned gives an empty
/// plan: no applies, deletes, statuses or authorities.
package struct Plan: Sendable {
    /// Server-side applies, in the order in which they make sense.
    package var applies: [Apply] = []
    package var deletes: [Delete] = []
    package var statuses: [StatusPatch] = []
    package var authorities: [AuthorityRequest] = []
    /// The complete table of every proxy that may connect. Who is not here is not served.
    package var configs: [ProxyID: ProxyConfig] = [:]
    /// When to plan again even if nothing is heard.
    package var nextLook: Date?

    package init() {}

    /// By what ZoneIngresses say that this zone offers.
    package var tellsOtherZones: Bool { self.applies.contains { $0.type == .zoneIngresses } }
}

/// One server-side apply of exactly the fields we own.
package struct Apply: Hashable, Sendable {
    package var type: ResourceType
    package var object: KubeObject
    package var manager: String
    /// Take fields over from other managers. Without it, somebody else's value is a conflict.
    package var force: Bool
    package var change: Change
    /// Why, in a sentence: the log line and the event.
    package var why: String
    /// Whose event it is.
    package var regarding: KubeObject

    /// `repair`: the object was as we wanted and somebody changed it.
    package enum Change: String, Hashable, Sendable { case create, update }
}

package struct Delete: Hashable, Sendable {
    package var type: ResourceType
    package var key: ObjectKey
    /// Only this very object.
    package var uid: String
    package var why: String
    package var regarding: KubeObject?
}

/// The whole status of one object, applied to the status subresource under `FieldManager.operator`.
package struct StatusPatch: Hashable, Sendable {
    package var type: ResourceType
    package var object: KubeObject
    package var status: JSON
    /// What a person would want to hear of, for log and event; empty when only counts changed.
    package var news: [News]

    package struct News: Hashable, Sendable {
        package var reason: Reason
        package var sentence: String
        package var isWarning: Bool
    }
}

/// A certificate authority a mesh needs. Made by create: whoever finds one uses it.
package struct AuthorityRequest: Hashable, Sendable {
    package var mesh: MeshName
    package var backend: String
    /// Nil: a P-256 key.
    package var rsaBits: Int?
    package var life: Duration
    /// Which of the backend's authorities; the first is 1.
    package var generation = 1
    package var why: String
}

/// Names under which the control plane owns fields.
package enum FieldManager {
    /// Children and status.
    package static let `operator` = "egret"
    /// What it writes of the specs of others: `zone` of ZoneEgress and ZoneIngress; of the zone's own ZoneIngresses also
    /// `availableServices`, and where other zones reach them when it runs them.
    package static let zone = "egret-zone"
}
