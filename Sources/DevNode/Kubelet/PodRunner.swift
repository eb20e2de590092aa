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
    private var writer: PodStatusWriter { PodStatusWriter(world: self.world, key: self.key, uid: self.uid) }
    func received(_ event: Event) { self.send.yield(event) }

    /// Returns when nothing of the pod runs any more. Cancelling kills it.
    func run() async {
        await withDiscardingTaskGroup { group in
            let (statuses, publish) = AsyncStream.makeStream(of: JSON.self, bufferingPolicy: .bufferingNewest(1))
            group.addTask { await self.writer.run(statuses) }
            let (contexts, context) = AsyncStream.makeStream(of: PodContext.self, bufferingPolicy: .bufferingNewest(1))
            group.addTask { await self.keepVolumes(contexts) }
            var work = PodWork(self.first, world: self.world, folders: self.folders, volumes: context)
            self.send.yield(.fact(.tick))
            if self.first.metadata.isBeingDeleted { self.send.yield(.object(self.first)) }
            var published: JSON?
            for await event in self.inbox {
                let now = Date()
                var actions: [PodMachine.Action] = []
                for fact in self.facts(of: event, &work) { actions += work.machine.received(fact, now: now) }
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
            group.cancelAll()
        }
        self.shared.withLock { $0.isFinished = true }
    }

    private func facts(of event: Event, _ work: inout PodWork) -> [PodMachine.Fact] {
        switch event {
        case .fact(let fact):
            if case .started(let name, let process) = fact { work.processes[name] = process }
            if case .exited(let name, _) = fact { work.processes[name] = nil }
            if case .notPrepared(let problem) = fact { self.say(problem, &work) }
            if case .notStarted(_, let problem) = fact { self.say(problem, &work) }
            return [fact]
        case .object(let pod):
            let labelsChanged = pod.metadata.labels != work.pod.metadata.labels || pod.metadata.annotations != work.pod.metadata.annotations
            work.pod = pod
            if labelsChanged { self.send.yield(.refreshVolumes) }
            guard pod.metadata.isBeingDeleted else { return [] }
            let grace = pod.metadata.json["deletionGracePeriodSeconds"]?.int.map { Duration.seconds($0) }
            return [.deletionRequested(grace: grace ?? work.machine.spec.terminationGrace)]
        case .refreshVolumes:
            if work.hasAddress { work.volumes.yield(work.context()) }
            return [.worldChanged]
        case .refreshHosts:
            if work.hasAddress { try? work.writeHosts() }
            return []
        }
    }

    /// Each reason once: it is found again at every attempt.
    private func say(_ problem: ContainerProblem, _ work: inout PodWork) {
        guard work.lastProblem != problem else { return }
        work.lastProblem = problem
        self.world.logger.warning(
            "a pod cannot start yet", metadata: ["k8s.object": "Pod/\(self.key)", "reason": "\(problem.message)"])
    }

    private func perform(_ action: PodMachine.Action, _ work: inout PodWork, _ group: inout DiscardingTaskGroup) {
        switch action {
        case .prepare: self.prepare(&work)
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

    private func prepare(_ work: inout PodWork) {
        guard let address = self.world.takeAddress(for: self.uid) else {
            let message = "every address of \(self.world.options.addressBlock) is taken; delete pods or give the node a larger block"
            self.received(.fact(.notPrepared(ContainerProblem(reason: "FailedCreatePodSandBox", message: message))))
            return
        }
        work.adopt(address: address)
        do {
            try work.writeHosts()
            work.volumes.yield(work.context())
        } catch {
            self.received(.fact(.notPrepared(ContainerProblem(reason: "FailedCreatePodSandBox", message: "\(error)"))))
        }
    }

    /// Writes the volumes as each context says, one after another, and asks for a new one when a token is due.
    private func keepVolumes(_ contexts: AsyncStream<PodContext>) async {
        await withDiscardingTaskGroup { group in
            var volumes = PodVolumes(world: self.world, folders: self.folders)
            var hasWritten = false
            var due: Date?
            for await context in contexts {
                do throws(ContainerProblem) {
                    try await volumes.write(context)
                    hasWritten = true
                    self.received(.fact(.prepared))
                } catch  where hasWritten {
                    // The old files stay, as a kubelet leaves them.
                    self.world.logger.warning(
                        "a pod's volume keeps its old content", metadata: ["k8s.object": "Pod/\(self.key)", "reason": "\(error.message)"])
                } catch {
                    self.received(.fact(.notPrepared(error)))
                }
                guard let next = volumes.nextLook, next != due else { continue }
                due = next
                group.addTask {
                    let pause = max(1, next.timeIntervalSinceNow)
                    if (try? await Task.sleep(for: .seconds(pause))) != nil { self.received(.refreshVolumes) }
                }
            }
            group.cancelAll()
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

    private func cleanUp(_ work: PodWork) async {
        self.world.releaseAddress(of: self.uid)
        self.folders.remove()
        guard !work.machine.objectIsGone else { return }
        self.world.logger.info("pod stopped", metadata: ["k8s.object": "Pod/\(self.key)"])
        await self.writer.delete()
    }
}
