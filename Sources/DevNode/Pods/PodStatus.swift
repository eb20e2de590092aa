import FoundationEssentials
import JSONModel
import KubeAPI

/// Writes a pod's `status` from its machine's state.
struct PodStatus: Sendable {
    var address: String?
    var nodeAddress: String
    var startedAt: Date
    /// Since when each condition has had its value.
    private var since: [String: (isTrue: Bool, date: Date)] = [:]

    init(address: String?, nodeAddress: String, startedAt: Date) {
        self.address = address
        self.nodeAddress = nodeAddress
        self.startedAt = startedAt
    }

    mutating func json(_ machine: PodMachine, now: Date) -> JSON {
        let unready = machine.containers.filter { !$0.isReady }.map(\.spec.name)
        let phase = Self.phase(machine)
        let isOver = phase == "Succeeded" || phase == "Failed"
        let incomplete = machine.initContainers.filter { !($0.exit?.succeeded ?? false) }.map(\.spec.name)
        let why: (String, String)? =
            phase == "Succeeded"
            ? ("PodCompleted", "")
            : unready.isEmpty ? nil : ("ContainersNotReady", "containers with unready status: [\(unready.joined(separator: " "))]")
        var status: JSON = [
            "phase": JSON(phase), "hostIP": JSON(self.nodeAddress), "hostIPs": [["ip": JSON(self.nodeAddress)]],
            "startTime": JSON(self.startedAt.rfc3339),
            "conditions": .array([
                self.condition("PodReadyToStartContainers", !isOver && self.address != nil, nil, now),
                self.condition(
                    "Initialized", incomplete.isEmpty,
                    ("ContainersNotInitialized", "containers with incomplete status: [\(incomplete.joined(separator: " "))]"), now),
                self.condition("Ready", why == nil, why, now),
                self.condition("ContainersReady", why == nil, why, now),
                self.condition("PodScheduled", true, nil, now),
            ]),
            "containerStatuses": .array(machine.containers.map { Self.container($0, machine) }),
        ]
        if !machine.initContainers.isEmpty {
            status["initContainerStatuses"] = .array(machine.initContainers.map { Self.container($0, machine) })
        }
        if let address = self.address {
            status["podIP"] = JSON(address)
            status["podIPs"] = [["ip": JSON(address)]]
        }
        return status
    }

    private mutating func condition(_ type: String, _ isTrue: Bool, _ why: (reason: String, message: String)?, _ now: Date) -> JSON {
        if self.since[type]?.isTrue != isTrue { self.since[type] = (isTrue, now) }
        var condition: JSON = [
            "type": JSON(type), "status": isTrue ? "True" : "False",
            "lastTransitionTime": JSON((self.since[type]?.date ?? now).rfc3339), "lastProbeTime": nil,
        ]
        if !isTrue, let why {
            condition["reason"] = JSON(why.reason)
            if !why.message.isEmpty { condition["message"] = JSON(why.message) }
        }
        return condition
    }

    // Plain loops: closures over the containers here abort the release optimiser of Swift 6.3.1 (CopyPropagation).
    private static func phase(_ machine: PodMachine) -> String {
        for container in machine.initContainers {
            if let exit = container.exit, !exit.succeeded { return "Failed" }
        }
        var exited = 0, succeeded = 0, hasRun = false
        for container in machine.containers {
            if let exit = container.exit {
                exited += 1
                if exit.succeeded { succeeded += 1 }
            }
            if container.exit != nil || container.running != nil || container.restarts > 0 { hasRun = true }
        }
        if exited > 0, exited == machine.containers.count { return succeeded == exited ? "Succeeded" : "Failed" }
        return hasRun ? "Running" : "Pending"
    }

    private static func container(_ state: ContainerState, _ machine: PodMachine) -> JSON {
        var status: JSON = [
            "name": JSON(state.spec.name), "image": JSON(state.spec.image), "imageID": "",
            "ready": JSON(state.isReady || machine.initContainers.contains(state) && state.exit?.succeeded ?? false),
            "started": JSON(state.running?.hasStarted ?? false), "restartCount": JSON(state.restarts), "state": self.state(state, machine),
            "lastState": state.last.map { ["terminated": self.terminated($0)] } ?? [:],
        ]
        if let running = state.running { status["containerID"] = JSON("process://\(running.processIdentifier)") }
        return status
    }

    private static func state(_ state: ContainerState, _ machine: PodMachine) -> JSON {
        switch state.phase {
        case .running(let running): return ["running": ["startedAt": JSON(running.startedAt.rfc3339)]]
        case .done(let exit): return ["terminated": self.terminated(exit)]
        case .starting: return ["waiting": ["reason": "ContainerCreating"]]
        case .waiting(let reason, let message, _):
            let isBehindInit = !machine.isInitialized && machine.containers.contains(state)
            let reason = machine.problem?.reason ?? (isBehindInit ? "PodInitializing" : reason)
            let message = machine.problem?.message ?? message
            return ["waiting": message.isEmpty ? ["reason": JSON(reason)] : ["reason": JSON(reason), "message": JSON(message)]]
        }
    }

    private static func terminated(_ exit: Exit) -> JSON {
        var json: JSON = [
            "exitCode": JSON(exit.code), "reason": exit.succeeded ? "Completed" : "Error",
            "startedAt": JSON(exit.startedAt.rfc3339), "finishedAt": JSON(exit.finishedAt.rfc3339),
            "containerID": JSON("process://\(exit.processIdentifier)"),
        ]
        if case .signaled(let signal) = exit.status { json["signal"] = JSON(signal) }
        return json
    }

}
