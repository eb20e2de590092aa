import FoundationEssentials
import JSONModel
import KubeAPI

/// A Deployment's status, with the reasons and sentences `kubectl rollout status` and Helm read.
struct DeploymentStatus: Hashable, Sendable {
    private(set) var json: JSON
    /// When the rollout counts as stuck.
    private(set) var deadline: Date?

    init(_ view: DeploymentView, created: KubeObject?, now: Date) {
        let before = view.deployment.status
        func sum(_ field: String) -> Int { view.all.map { $0.status[field]?.int ?? 0 }.reduce(0, +) }
        let total = sum("replicas")
        let updated = view.new?.status["replicas"]?.int ?? 0
        let available = sum("availableReplicas")
        let unavailable = max(0, view.all.map(\.wantedReplicas).reduce(0, +) - available)
        self.json = ["observedGeneration": JSON(view.deployment.metadata.generation)]
        let counts = [
            ("replicas", total), ("updatedReplicas", updated), ("readyReplicas", sum("readyReplicas")),
            ("availableReplicas", available), ("unavailableReplicas", unavailable),
        ]
        for (field, count) in counts where count > 0 { self.json[field] = JSON(count) }
        if let collisions = before["collisionCount"] { self.json["collisionCount"] = collisions }

        let minimum = view.replicas - (view.recreates ? view.replicas : view.rolling.maxUnavailable)
        let isAvailable = available >= (view.recreates ? view.replicas : minimum)
        var conditions = [
            isAvailable
                ? Condition("Available", .true, reason: "MinimumReplicasAvailable", message: "Deployment has minimum availability.")
                : Condition(
                    "Available", .false, reason: "MinimumReplicasUnavailable", message: "Deployment does not have minimum availability.")
        ]
        let isComplete = updated == view.replicas && total == view.replicas && available == view.replicas && view.new != nil
        let hasMoved = counts.contains { field, count in
            switch field {
            case "updatedReplicas", "readyReplicas", "availableReplicas": count > before[field]?.int ?? 0
            default: total - updated < (before["replicas"]?.int ?? 0) - (before["updatedReplicas"]?.int ?? 0)
            }
        }
        conditions.append(
            self.progress(view, created: created, isComplete: isComplete, hasMoved: hasMoved, before: before, now: now))
        let previous = before["conditions"].elements
        self.json["conditions"] = .array(conditions.map { Self.write($0, previous: previous, hasMoved: hasMoved, now: now) })
    }

    private mutating func progress(
        _ view: DeploymentView, created: KubeObject?, isComplete: Bool, hasMoved: Bool, before: JSON, now: Date
    ) -> Condition {
        let previous = before["conditions"].elements.first { $0["type"]?.string == "Progressing" }
        let reason = previous?["reason"]?.string
        if let created {
            return Condition(
                "Progressing", .true, reason: "NewReplicaSetCreated", message: "Created new replica set \"\(created.name)\"")
        }
        let name = view.new?.name ?? view.deployment.name
        let available = Condition(
            "Progressing", .true, reason: "NewReplicaSetAvailable", message: "ReplicaSet \"\(name)\" has successfully progressed.")
        if isComplete { return available }
        // A finished rollout that merely scales stays finished.
        if reason == "NewReplicaSetAvailable", view.old.allSatisfy({ $0.wantedReplicas == 0 }), view.new != nil,
            previous?["message"]?.string == available.message
        {
            return available
        }
        let updating = Condition("Progressing", .true, reason: "ReplicaSetUpdated", message: "ReplicaSet \"\(name)\" is progressing.")
        guard !hasMoved, let since = previous?["lastUpdateTime"]?.string.flatMap(Date.init(rfc3339:)),
            view.deployment.metadata.generation == before["observedGeneration"]?.int
        else { return updating }
        let deadline = since.addingTimeInterval(Double(view.deployment.spec["progressDeadlineSeconds"]?.int ?? 600))
        if deadline <= now {
            return Condition(
                "Progressing", .false, reason: "ProgressDeadlineExceeded", message: "ReplicaSet \"\(name)\" has timed out progressing.")
        }
        self.deadline = deadline
        return updating
    }

    /// Deployment conditions carry two times: of the last change of status, and of the last sign of progress.
    private static func write(_ condition: Condition, previous: [JSON], hasMoved: Bool, now: Date) -> JSON {
        let old = previous.first { $0["type"]?.string == condition.type }
        var json = condition.json
        let isSameStatus = old?["status"]?.string == condition.status.rawValue
        let isSame = isSameStatus && old?["reason"]?.string == condition.reason && old?["message"]?.string == condition.message
        let restarts = condition.type == "Progressing" && hasMoved && condition.reason == "ReplicaSetUpdated"
        json["lastTransitionTime"] = isSameStatus ? old?["lastTransitionTime"] : JSON(now.rfc3339)
        json["lastUpdateTime"] = isSame && !restarts ? old?["lastUpdateTime"] : JSON(now.rfc3339)
        return json
    }
}
