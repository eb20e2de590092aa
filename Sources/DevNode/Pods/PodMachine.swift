import FoundationEssentials

/// One pod on the node, from first sight to the last process gone. Facts go in with the time, actions come out; the
/// pod's status is a function of the state.
///
/// A pod stops when its deletion is requested, or for good when its containers are done. `finish` comes once, when
/// nothing of it runs any more and its object may go.
struct PodMachine: Sendable {
    enum Fact: Hashable, Sendable {
        /// The sandbox's folders and volumes exist.
        case prepared
        case notPrepared(ContainerProblem)
        case started(container: String, processIdentifier: Int32)
        case notStarted(container: String, ContainerProblem)
        case exited(container: String, ExitStatus)
        /// `attempt` is the restart count the probe was asked for: an answer about an earlier process counts no more.
        case probed(container: String, Probe.Kind, attempt: Int, success: Bool)
        case deletionRequested(grace: Duration)
        /// The object is gone from the API, whatever became of our processes.
        case objectGone
        /// A ConfigMap, Secret or the like has changed: what was blocked may work now.
        case worldChanged
        case tick
    }

    enum Action: Hashable, Sendable {
        case prepare
        case start(container: String, attempt: Int)
        case stop(container: String)
        case kill(container: String)
        case probe(container: String, Probe.Kind, attempt: Int)
        /// Remove what is left: address, folders, and the object when `deleteObject`.
        case finish(deleteObject: Bool)
    }

    private enum Stage: Hashable, Sendable {
        case new
        case preparing
        /// Preparation failed; it is tried again at the date.
        case blocked(ContainerProblem, until: Date)
        case active
        case stopping(deadline: Date)
        case finished
    }

    let spec: PodSpec
    private(set) var initContainers: [ContainerState]
    private(set) var containers: [ContainerState]
    private var stage: Stage = .new
    private(set) var objectIsGone = false

    init(_ spec: PodSpec) {
        self.spec = spec
        self.initContainers = spec.initContainers.map(ContainerState.init)
        self.containers = spec.containers.map(ContainerState.init)
    }

    var isFinished: Bool { self.stage == .finished }
    var isStopping: Bool { if case .stopping = self.stage { true } else { false } }
    var problem: ContainerProblem? { if case .blocked(let problem, _) = self.stage { problem } else { nil } }
    var isInitialized: Bool { self.initContainers.allSatisfy { $0.exit?.succeeded ?? false } }

    mutating func received(_ fact: Fact, now: Date) -> [Action] {
        switch fact {
        case .tick: break
        case .worldChanged:
            if case .blocked(let problem, _) = self.stage { self.stage = .blocked(problem, until: now) }
        case .prepared:
            if case .preparing = self.stage { self.stage = .active }
        case .notPrepared(let problem):
            if case .preparing = self.stage { self.stage = .blocked(problem, until: now.addingTimeInterval(1)) }
        case .started(let name, let identifier):
            self.update(name) { $0.started(identifier, now: now) }
        case .notStarted(let name, let problem):
            self.update(name) {
                $0.phase = .waiting(reason: problem.reason, message: problem.message, until: now.addingTimeInterval(1))
            }
        case .exited(let name, let status):
            let policy = self.spec.restartPolicy
            let isInit = self.initContainers.contains { $0.spec.name == name }
            let stops = self.isStopping
            self.update(name) { $0.exited(status, policy: policy, isInit: isInit, podStops: stops, now: now) }
        case .probed(let name, let kind, let attempt, let success):
            self.update(name) { if $0.restarts == attempt { $0.probed(kind, success: success, now: now) } }
        case .deletionRequested(let grace):
            self.beginStopping(deadline: now.addingTimeInterval(grace.seconds))
        case .objectGone:
            self.objectIsGone = true
            self.beginStopping(deadline: now)
        }
        return self.due(now)
    }

    /// When to send `tick` though nothing else has happened.
    var nextLook: Date? {
        if case .blocked(_, let until) = self.stage { return until }
        let mayStart = self.stage == .active
        return (self.initContainers + self.containers).compactMap { $0.nextLook(mayStart: mayStart) }.min()
    }

    // MARK: Deciding

    private mutating func beginStopping(deadline: Date) {
        switch self.stage {
        case .finished: return
        case .stopping(let earlier): self.stage = .stopping(deadline: min(earlier, deadline))
        default: self.stage = .stopping(deadline: deadline)
        }
    }

    private mutating func due(_ now: Date) -> [Action] {
        switch self.stage {
        case .finished, .preparing: return []
        case .new:
            self.stage = .preparing
            return [.prepare]
        case .blocked(_, let until):
            if now < until { return [] }
            self.stage = .preparing
            return [.prepare]
        case .active: return self.dueWhileActive(now)
        case .stopping(let deadline): return self.dueWhileStopping(deadline, now)
        }
    }

    private mutating func dueWhileActive(_ now: Date) -> [Action] {
        var actions: [Action] = []
        // Init containers run one after another; a failed one that may not be repeated ends the pod.
        for index in self.initContainers.indices {
            actions += self.initContainers[index].due(now, stopDeadline: nil, maxGrace: self.spec.terminationGrace)
            if !(self.initContainers[index].exit?.succeeded ?? false) { break }
        }
        if self.isInitialized {
            for index in self.containers.indices {
                actions += self.containers[index].due(now, stopDeadline: nil, maxGrace: self.spec.terminationGrace)
            }
        }
        return actions
    }

    private mutating func dueWhileStopping(_ deadline: Date, _ now: Date) -> [Action] {
        var actions: [Action] = []
        for index in self.initContainers.indices {
            actions += self.initContainers[index].due(now, stopDeadline: deadline, maxGrace: self.spec.terminationGrace)
        }
        for index in self.containers.indices {
            actions += self.containers[index].due(now, stopDeadline: deadline, maxGrace: self.spec.terminationGrace)
        }
        let leftovers = (self.initContainers + self.containers).contains { $0.holdsProcess }
        if !leftovers {
            self.stage = .finished
            actions.append(.finish(deleteObject: !self.objectIsGone))
        }
        return actions
    }

    private mutating func update(_ name: String, _ change: (inout ContainerState) -> Void) {
        if let index = self.initContainers.firstIndex(where: { $0.spec.name == name }) {
            change(&self.initContainers[index])
        } else if let index = self.containers.firstIndex(where: { $0.spec.name == name }) {
            change(&self.containers[index])
        }
    }
}

extension Duration {
    var seconds: Double { Double(self.components.seconds) + Double(self.components.attoseconds) / 1e18 }
}
