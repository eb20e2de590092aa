import FoundationEssentials
import JSONModel
import KubeAPI
import KubeRuntime
import Synchronization

/// Runs the pods bound to this node, each with a runner of its own.
final class Kubelet: Sendable {
    private let world: NodeWorld
    private let runners = Mutex<[String: PodRunner]>([:])

    init(_ world: NodeWorld) { self.world = world }

    /// The pod's runner by name, for whoever asks for its logs.
    func runner(_ key: ObjectKey) -> PodRunner? {
        self.runners.withLock { runners in
            let candidates = runners.values.filter { $0.key == key }
            return candidates.first { !$0.view.isFinished } ?? candidates.first
        }
    }

    func run() async throws {
        let changes = self.world.caches.changes()
        try await self.world.caches.waitUntilSynchronised()
        await withDiscardingTaskGroup { group in
            self.sync(&group)
            for await batch in changes {
                let types = Set(batch.map(\.type))
                if types.contains(.pods) { self.sync(&group) }
                let runners = self.runners.withLock { Array($0.values) }
                if !types.isDisjoint(with: [.configMaps, .secrets, .serviceAccounts]) { runners.forEach { $0.received(.refreshVolumes) } }
                if !types.isDisjoint(with: [.services, .endpointSlices]) { runners.forEach { $0.received(.refreshHosts) } }
            }
            group.cancelAll()
        }
    }

    /// Compares the pods that should be here with the runners that are.
    private func sync(_ group: inout DiscardingTaskGroup) {
        let mine = self.world.objects(.pods).filter { $0.spec["nodeName"]?.string == self.world.options.name }
        let present = Set(mine.map(\.metadata.uid))
        var started: [PodRunner] = []
        var over: [KubeObject] = []
        self.runners.withLock { runners in
            for (uid, runner) in runners where !present.contains(uid) {
                runner.received(.fact(.objectGone))
                if runner.view.isFinished { runners[uid] = nil }
            }
            for pod in mine {
                if let runner = runners[pod.metadata.uid] {
                    runner.received(.object(pod))
                } else if !pod.isFinishedPod {
                    let runner = PodRunner(pod, world: self.world)
                    runners[pod.metadata.uid] = runner
                    started.append(runner)
                } else if pod.metadata.isBeingDeleted {
                    // Done before this node started: nothing of it runs here.
                    over.append(pod)
                }
            }
        }
        for runner in started {
            group.addTask {
                await runner.run()
                self.forget(runner)
            }
        }
        for pod in over { group.addTask { await PodStatusWriter(world: self.world, key: pod.key, uid: pod.metadata.uid).delete() } }
    }

    /// A runner is kept until the pod's object is gone, or a late look at the cache would start the pod anew.
    private func forget(_ runner: PodRunner) {
        let isPresent = self.world.caches[.pods].object(runner.key)?.metadata.uid == runner.uid
        if !isPresent { self.runners.withLock { $0[runner.uid] = nil } }
    }
}
