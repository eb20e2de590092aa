import FoundationEssentials
import JSONModel
import KubeAPI
import KubeRuntime
import Logging
import Synchronization
import SystemPackage

/// One pod of this node: feeds its machine with facts and does what it says.
final class PodRunner: Sendable {
    enum Event: Sendable {
        case fact(PodMachine.Fact)
        /// The pod's object as it is now.
        case object(KubeObject)
        /// ConfigMaps, Secrets or tokens may have changed.
        case refreshVolumes
        /// Services may have changed.
        case refreshHosts
    }

    /// What others may ask about the pod while it runs.
    struct View: Sendable {
        var isFinished = false
        /// Container name to the number of its newest process.
        var attempts: [String: Int] = [:]
        var running: Set<String> = []
    }

    let uid: String
    let key: ObjectKey
    let folders: PodFolders
    private let world: NodeWorld
    private let first: KubeObject
    private let inbox: AsyncStream<Event>
    private let send: AsyncStream<Event>.Continuation
    private let shared = Mutex(View())

    init(_ pod: KubeObject, world: NodeWorld) {
        self.uid = pod.metadata.uid
        self.key = pod.key
        self.first = pod
        self.world = world
        self.folders = PodFolders(
            dataDirectory: world.options.dataDirectory, namespace: pod.namespace ?? "default", name: pod.name, uid: pod.metadata.uid)
        (self.inbox, self.send) = AsyncStream.makeStream()
    }

    var view: View { self.shared.withLock { $0 } }
    func received(_ event: Event) { self.send.yield(event) }

    /// Returns when nothing of the pod runs any more. Cancelling kills it.
    func run() async {
        await withDiscardingTaskGroup { group in
            let (statuses, publish) = AsyncStream.makeStream(of: JSON.self, bufferingPolicy: .bufferingNewest(1))
            group.addTask { await self.publish(statuses) }
            var work = PodWork(self.first, world: self.world, folders: self.folders)
            self.send.yield(.fact(.tick))
            if self.first.metadata.isBeingDeleted { self.send.yield(.object(self.first)) }
            var published: JSON?
            for await event in self.inbox {
                let now = Date()
                var actions: [PodMachine.Action] = []
                for fact in self.facts(of: event, &work, &group) { actions += work.machine.received(fact, now: now) }
                for action in actions { self.perform(action, &work, &group) }
                let status = work.statusJSON(now: now)
                if status != published {
                    published = status
                    publish.yield(status)
                }
                self.shared.withLock {
                    $0.attempts = Dictionary(
                        (work.machine.initContainers + work.machine.containers).map { ($0.spec.name, $0.restarts) },
                        uniquingKeysWith: { $1 })
                    $0.running = Set(work.processes.keys)
                }
                if work.machine.isFinished { break }
                self.scheduleLook(&work, &group, now: now)
            }
            await self.cleanUp(work)
            publish.finish()
            group.cancelAll()
        }
        self.shared.withLock { $0.isFinished = true }
    }

    private func facts(of event: Event, _ work: inout PodWork, _ group: inout DiscardingTaskGroup) -> [PodMachine.Fact] {
        switch event {
        case .fact(let fact):
            if case .started(let name, let process) = fact { work.processes[name] = process }
            if case .exited(let name, _) = fact { work.processes[name] = nil }
            if case .notPrepared(let problem) = fact {
                self.world.logger.warning(
                    "a pod cannot start yet", metadata: ["k8s.object": "Pod/\(self.key)", "reason": "\(problem.message)"])
            }
            return [fact]
        case .object(let pod):
            let labelsChanged = pod.metadata.labels != work.pod.metadata.labels || pod.metadata.annotations != work.pod.metadata.annotations
            work.pod = pod
            if labelsChanged { self.send.yield(.refreshVolumes) }
            guard pod.metadata.isBeingDeleted else { return [] }
            let grace = pod.metadata.json["deletionGracePeriodSeconds"]?.int.map { Duration.seconds($0) }
            return [.deletionRequested(grace: grace ?? work.machine.spec.terminationGrace)]
        case .refreshVolumes:
            if work.isPrepared {
                let volumes = work.volumes
                let context = work.context()
                group.addTask { await self.refresh(volumes, context) }
            }
            return [.worldChanged]
        case .refreshHosts:
            if work.isPrepared { try? work.writeHosts() }
            return []
        }
    }

    private func refresh(_ volumes: PodVolumes, _ context: PodContext) async {
        do {
            try await volumes.write(context)
        } catch {
            // The old files stay, as a kubelet leaves them.
            self.world.logger.warning(
                "a pod's volume keeps its old content", metadata: ["k8s.object": "Pod/\(self.key)", "reason": "\(error.message)"])
        }
    }

    private func perform(_ action: PodMachine.Action, _ work: inout PodWork, _ group: inout DiscardingTaskGroup) {
        switch action {
        case .prepare: self.prepare(&work, &group)
        case .start(let name, let attempt): self.start(name, attempt, &work, &group)
        case .stop(let name):
            guard let process = work.processes[name], let container = work.container(name) else { return }
            let prober = work.prober
            let grace = work.machine.spec.terminationGrace
            let sandbox = container.preStop.flatMap { work.sandbox(name, for: $0) }
            group.addTask {
                if let hook = container.preStop { _ = await prober.ask(hook, timeout: grace, sandbox: sandbox) }
                await SandboxProcess.terminate(process)
            }
        case .kill(let name):
            if let process = work.processes[name] { SandboxProcess.kill(process) }
        case .probe(let name, let kind, let attempt):
            guard let probe = work.container(name)?.probes[kind] else { return }
            let prober = work.prober
            let sandbox = work.sandbox(name, for: probe.check)
            group.addTask {
                let success = await prober.ask(probe.check, timeout: probe.timeout, sandbox: sandbox)
                self.received(.fact(.probed(container: name, kind, attempt: attempt, success: success)))
            }
        case .finish: break
        }
    }

    private func prepare(_ work: inout PodWork, _ group: inout DiscardingTaskGroup) {
        guard let address = self.world.takeAddress(for: self.uid) else {
            let message = "every address of \(self.world.options.addressBlock) is taken; delete pods or give the node a larger block"
            self.received(.fact(.notPrepared(ContainerProblem(reason: "FailedCreatePodSandBox", message: message))))
            return
        }
        work.adopt(address: address)
        let volumes = work.volumes
        let context = work.context()
        do { try work.writeHosts() } catch {
            self.received(.fact(.notPrepared(ContainerProblem(reason: "FailedCreatePodSandBox", message: "\(error)"))))
            return
        }
        work.isPrepared = true
        group.addTask {
            do throws(ContainerProblem) {
                try await volumes.write(context)
            } catch {
                self.received(.fact(.notPrepared(error)))
                return
            }
            self.received(.fact(.prepared))
            await self.keepTokensFresh(volumes)
        }
    }

    private func keepTokensFresh(_ volumes: PodVolumes) async {
        while let due = await volumes.nextLook {
            guard (try? await Task.sleep(for: .seconds(max(1, due.timeIntervalSinceNow)))) != nil else { return }
            self.received(.refreshVolumes)
        }
    }

    private func start(_ name: String, _ attempt: Int, _ work: inout PodWork, _ group: inout DiscardingTaskGroup) {
        let folders = self.folders
        do {
            let sandbox = try work.command(name)
            let log = folders.log(name, attempt: attempt)
            try work.attempt { () throws in try folders.make(SandboxCommand.parent(log)) }
            group.addTask {
                do {
                    let status = try await SandboxProcess.run(sandbox, log: FilePath(log)) {
                        self.received(.fact(.started(container: name, processIdentifier: $0)))
                    }
                    self.received(.fact(.exited(container: name, status)))
                } catch {
                    let problem = ContainerProblem(reason: "RunContainerError", message: "\(SandboxProcess.bwrap): \(error)")
                    self.received(.fact(.notStarted(container: name, problem)))
                }
            }
            self.world.logger.info(
                "container started",
                metadata: ["k8s.object": "Pod/\(self.key)", "container": "\(name)", "attempt": "\(attempt)", "log": "\(log)"])
        } catch {
            self.received(.fact(.notStarted(container: name, error)))
        }
    }

    private func scheduleLook(_ work: inout PodWork, _ group: inout DiscardingTaskGroup, now: Date) {
        guard let look = work.machine.nextLook, look != .distantFuture, work.nextLook.map({ look < $0 || $0 <= now }) ?? true else {
            return
        }
        work.nextLook = look
        let pause = max(0.001, look.timeIntervalSince(now))
        group.addTask {
            if (try? await Task.sleep(for: .seconds(pause))) != nil { self.received(.fact(.tick)) }
        }
    }

    // MARK: Telling the API

    /// Writes the newest status, again and again until the API has it; older ones that nobody saw are left out.
    private func publish(_ statuses: AsyncStream<JSON>) async {
        for await status in statuses {
            while await !self.write(status) {
                guard (try? await Task.sleep(for: .milliseconds(500))) != nil else { return }
            }
        }
    }

    /// Returns whether there is no use in trying again.
    private func write(_ status: JSON) async -> Bool {
        do {
            try await self.world.client.patch(
                .merge, .pods, self.key.name, namespace: self.key.namespace, subresource: "status",
                body: ["metadata": ["uid": JSON(self.uid)], "status": status])
            return true
        } catch  where error.isTransient && error.status?.reason != "Conflict" {
            return false
        } catch {
            // Another pod of this name, or none any more.
            self.world.logger.debug("a pod's status was not written", metadata: ["k8s.object": "Pod/\(self.key)", "reason": "\(error)"])
            return true
        }
    }

    private func cleanUp(_ work: PodWork) async {
        self.world.releaseAddress(of: self.uid)
        self.folders.remove()
        guard !work.machine.objectIsGone else { return }
        self.world.logger.info("pod stopped", metadata: ["k8s.object": "Pod/\(self.key)"])
        await self.world.deletePod(self.key, uid: self.uid)
    }
}

extension NodeWorld {
    /// Removes a pod's object for good. Repeats until the API has an answer.
    func deletePod(_ key: ObjectKey, uid: String) async {
        while !Task.isCancelled {
            do {
                try await self.client.send(
                    .delete(.pods, key.name, namespace: key.namespace, preconditions: .init(uid: uid), gracePeriodSeconds: 0))
                return
            } catch  where !error.isTransient || error.status?.reason == "Conflict" {
                return
            } catch {
                guard (try? await Task.sleep(for: .milliseconds(500))) != nil else { return }
            }
        }
    }
}
