import JSONModel
import KubeAPI

extension World {
    /// The status patch that says `judgement` and `extras`, or nil when the object already says exactly that.
    func status(of object: KubeObject, type: ResourceType, _ judgement: Judgement, extras: [String: JSON] = [:]) -> StatusPatch? {
        if extras.isEmpty, self.observed.memory?.isSaid(judgement, of: object, type) == true { return nil }
        if object.metadata.isBeingDeleted { return nil }
        let generation = object.metadata.generation
        let conditions = object.conditions.merging(judgement.conditions(generation: generation), now: self.observed.now)
        var status: JSON = ["observedGeneration": JSON(generation), "conditions": .array(conditions.map(\.json))]
        for (key, value) in extras where !value.isNull { status[key] = value }
        if status == object["status"] {
            if extras.isEmpty { self.observed.memory?.said(judgement, of: object, type) }
            return nil
        }
        return StatusPatch(type: type, object: object, status: status, news: Self.news(from: object.conditions, to: conditions))
    }

    /// What changed for a person: verdicts, not wording or counts. `Accepted`, `Reconciling` and `Stalled` repeat what
    /// `Ready` says.
    private static func news(from old: [Condition], to new: [Condition]) -> [StatusPatch.News] {
        new.compactMap { condition in
            if ["Accepted", "Reconciling", "Stalled"].contains(condition.type) || condition.status == .unknown { return nil }
            if let before = old[condition.type], before.status == condition.status, before.reason == condition.reason { return nil }
            guard let reason = Reason(rawValue: condition.reason) else { return nil }
            // A first good word about a side condition is no news.
            if condition.type != "Ready", condition.isTrue, old[condition.type] == nil { return nil }
            let isWarning = !condition.isTrue && new["Reconciling"] == nil
            return StatusPatch.News(reason: reason, sentence: condition.message, isWarning: isWarning)
        }
    }
}
