package import FoundationEssentials
package import JSONModel

/// One entry of `status.conditions` (metav1.Condition).
package struct Condition: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable { case `true` = "True", `false` = "False", unknown = "Unknown" }

    package var type: String
    package var status: Status
    /// One CamelCase word for machines.
    package var reason: String
    /// One sentence for people.
    package var message: String
    package var observedGeneration: Int?
    /// When `status` last changed. Nil in a desired condition: `merging` fills it in.
    package var lastTransitionTime: Date?

    package init(
        _ type: String, _ status: Status, reason: String, message: String = "", observedGeneration: Int? = nil,
        lastTransitionTime: Date? = nil
    ) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.observedGeneration = observedGeneration
        self.lastTransitionTime = lastTransitionTime
    }

    package init?(_ json: JSON) {
        guard let type = json["type"]?.string, let status = json["status"]?.string.flatMap(Status.init) else { return nil }
        self.init(
            type, status, reason: json["reason"]?.string ?? "", message: json["message"]?.string ?? "",
            observedGeneration: json["observedGeneration"]?.int,
            lastTransitionTime: json["lastTransitionTime"]?.string.flatMap(Date.init(rfc3339:)))
    }

    package var json: JSON {
        var json: JSON = [
            "type": .string(self.type), "status": .string(self.status.rawValue), "reason": .string(self.reason),
            "message": .string(self.message),
        ]
        json["observedGeneration"] = self.observedGeneration.map { JSON($0) }
        json["lastTransitionTime"] = self.lastTransitionTime.map { .string($0.rfc3339) }
        return json
    }

    package var isTrue: Bool { self.status == .true }
}

extension [Condition] {
    package subscript(_ type: String) -> Condition? { self.first { $0.type == type } }

    /// The conditions to write: `desired` in its order, each keeping the transition time of the condition it continues.
    /// A condition whose status differs from before, or that is new, changed `now`. Conditions of ours that are no
    /// longer desired disappear, because each writer states all of its conditions.
    package func merging(_ desired: [Condition], now: Date) -> [Condition] {
        desired.map { wanted in
            var condition = wanted
            let previous = self[wanted.type]
            condition.lastTransitionTime = previous?.status == wanted.status ? previous?.lastTransitionTime ?? now : now
            return condition
        }
    }
}

extension KubeObject {
    package var conditions: [Condition] {
        get { (self.json.at("status", "conditions")?.array ?? []).compactMap(Condition.init) }
        set { self.json.set(["status", "conditions"], to: .array(newValue.map(\.json))) }
    }
}
