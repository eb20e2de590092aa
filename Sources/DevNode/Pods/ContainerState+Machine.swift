import FoundationEssentials

extension ContainerState {
    /// A process that ran this long has shown that it works: its crashes are forgotten.
    private static let crashMemory: Double = 600
    private static let maxBackOff: Double = 60
    /// A container that has never been ready is asked more often than its period says, so that a quick program is not
    /// ready ten seconds late.
    private static let eagerPeriod: Double = 0.25

    var holdsProcess: Bool {
        switch self.phase {
        case .starting, .running: true
        case .waiting, .done: false
        }
    }

    mutating func started(_ identifier: Int32, now: Date) {
        guard case .starting = self.phase else { return }
        var probes: [Probe.Kind: ProbeState] = [:]
        for (kind, probe) in self.spec.probes {
            probes[kind] = ProbeState(nextAt: now.addingTimeInterval(probe.initialDelay.seconds), succeeded: kind == .liveness)
        }
        self.phase = .running(Running(startedAt: now, processIdentifier: identifier, probes: probes))
    }

    mutating func exited(_ status: ExitStatus, policy: PodSpec.RestartPolicy, isInit: Bool, podStops: Bool, now: Date) {
        let startedAt = self.running?.startedAt ?? now
        let exit = Exit(
            startedAt: startedAt, finishedAt: now, status: status, processIdentifier: self.running?.processIdentifier ?? 0)
        let restarts =
            switch policy {
            case .always: !(isInit && exit.succeeded)
            case .onFailure: !exit.succeeded
            case .never: false
            }
        guard restarts, !podStops else {
            self.phase = .done(exit)
            return
        }
        self.last = exit
        self.restarts += 1
        self.crashes = now.timeIntervalSince(startedAt) >= Self.crashMemory ? 1 : self.crashes + 1
        if self.crashes == 1 {
            self.phase = .waiting(reason: "ContainerCreating", message: "", until: nil)
        } else {
            let delay = min(Self.maxBackOff, Double(1 << min(self.crashes - 2, 16)))
            self.phase = .waiting(
                reason: "CrashLoopBackOff",
                message: "back-off \(Int(delay))s restarting failed container=\(self.spec.name)", until: now.addingTimeInterval(delay))
        }
    }

    mutating func probed(_ kind: Probe.Kind, success: Bool, now: Date) {
        guard case .running(var running) = self.phase, var state = running.probes[kind], let probe = self.spec.probes[kind] else { return }
        state.isAsking = false
        state.inARow = state.lastWasSuccess == success ? state.inARow + 1 : 1
        state.lastWasSuccess = success
        if success, state.inARow >= probe.successThreshold { state.succeeded = true }
        let failed = !success && state.inARow >= probe.failureThreshold
        if failed, kind == .readiness { state.succeeded = false }
        let isEager = kind == .readiness && !state.succeeded
        let pause = isEager ? min(Self.eagerPeriod, probe.period.seconds) : probe.period.seconds
        state.nextAt = now.addingTimeInterval(pause)
        running.probes[kind] = state
        if failed, kind != .readiness, running.killAt == nil { running.killAt = .distantFuture }
        self.phase = .running(running)
    }

    /// What to do now. A `killAt` in the distant future marks a container that a probe has condemned and that has not been
    /// asked to stop yet.
    mutating func due(_ now: Date, stopDeadline: Date?, maxGrace: Duration) -> [PodMachine.Action] {
        let name = self.spec.name
        switch self.phase {
        case .done, .starting: return []
        case .waiting(_, _, let until):
            guard stopDeadline == nil, until.map({ $0 <= now }) ?? true else { return [] }
            self.phase = .starting
            return [.start(container: name, attempt: self.restarts)]
        case .running(var running):
            var actions: [PodMachine.Action] = []
            if let stopDeadline, running.killAt == nil || running.killAt! > stopDeadline {
                if running.killAt == nil || running.killAt == .distantFuture { actions.append(.stop(container: name)) }
                running.killAt = stopDeadline
            } else if running.killAt == .distantFuture {
                actions.append(.stop(container: name))
                running.killAt = now.addingTimeInterval(maxGrace.seconds)
            }
            if let killAt = running.killAt, killAt <= now, !running.isKilled {
                running.isKilled = true
                actions.append(.kill(container: name))
            }
            for kind in Probe.Kind.allCases where running.mayAsk(kind, now) {
                running.probes[kind]?.isAsking = true
                actions.append(.probe(container: name, kind, attempt: self.restarts))
            }
            self.phase = .running(running)
            return actions
        }
    }

    func nextLook(mayStart: Bool) -> Date? {
        switch self.phase {
        case .done, .starting: return nil
        case .waiting(_, _, let until): return mayStart ? until : nil
        case .running(let running):
            let probes = Probe.Kind.allCases.compactMap { running.mayAsk($0, .distantFuture) ? running.probes[$0]?.nextAt : nil }
            return (probes + (running.isKilled ? [] : [running.killAt].compactMap(\.self))).min()
        }
    }
}

extension ContainerState.Running {
    /// The startup probe alone until it has succeeded, then the others. A container asked to stop is asked no more whether
    /// it lives, only whether it is ready.
    func mayAsk(_ kind: Probe.Kind, _ now: Date) -> Bool {
        guard let state = self.probes[kind], !state.isAsking, state.nextAt <= now, !self.isKilled else { return false }
        return switch kind {
        case .startup: !state.succeeded && self.killAt == nil
        case .readiness: self.hasStarted
        case .liveness: self.hasStarted && self.killAt == nil
        }
    }
}
