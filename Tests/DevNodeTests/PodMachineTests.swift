import FoundationEssentials
import JSONModel
import TestKit
import Testing

@testable import DevNode

struct PodMachineTests {
    /// A machine whose one container runs since second 1.
    private func running(_ spec: PodSpec) -> PodMachine {
        var machine = PodMachine(spec)
        #expect(machine.received(.tick, now: at(0)) == [.prepare])
        #expect(machine.received(.prepared, now: at(1)) == [.start(container: "main", attempt: 0)])
        _ = machine.received(.started(container: "main", processIdentifier: 7), now: at(1))
        return machine
    }

    private func status(_ machine: PodMachine, _ seconds: Double) -> JSON {
        var status = PodStatus(address: "127.10.0.1", nodeAddress: "127.0.0.1", startedAt: start)
        return status.json(machine, now: at(seconds))
    }

    private func condition(_ machine: PodMachine, _ type: String) -> String? {
        self.status(machine, 5)["conditions"].elements.first { $0["type"]?.string == type }?["status"]?.string
    }

    @Test("a pod without probes is ready as soon as it runs")
    func runs() {
        let machine = self.running(podSpec())
        #expect(self.condition(machine, "Ready") == "True")
        #expect(self.status(machine, 1)["phase"] == "Running")
        #expect(self.status(machine, 1)["podIP"] == "127.10.0.1")
        #expect(self.status(machine, 1)["qosClass"] == nil, "the API server's own, and immutable")
        #expect(machine.nextLook == nil)
    }

    @Test("before its container has started a pod is pending")
    func pending() {
        var machine = PodMachine(podSpec())
        _ = machine.received(.tick, now: at(0))
        #expect(self.status(machine, 0)["phase"] == "Pending")
        #expect(self.condition(machine, "Ready") == "False")
        #expect(self.status(machine, 0).at("containerStatuses")?[0]?.at("state", "waiting", "reason") == "ContainerCreating")
    }

    @Test("volumes that cannot be made hold the pod back with their reason, and are tried again")
    func blocked() {
        var machine = PodMachine(podSpec())
        _ = machine.received(.tick, now: at(0))
        #expect(machine.received(.notPrepared(.config("configmap \"x\" not found")), now: at(0)) == [])
        let waiting = self.status(machine, 0).at("containerStatuses")?[0]?.at("state", "waiting")
        #expect(waiting == ["reason": "CreateContainerConfigError", "message": "configmap \"x\" not found"])
        #expect(machine.nextLook == at(1))
        #expect(machine.received(.tick, now: at(0.5)) == [])
        #expect(machine.received(.worldChanged, now: at(0.6)) == [.prepare])
    }

    @Test("an unknown image is a waiting reason of the container")
    func unknownImage() throws {
        var machine = PodMachine(podSpec())
        _ = machine.received(.tick, now: at(0))
        _ = machine.received(.prepared, now: at(0))
        let problem = ContainerProblem(reason: "ErrImagePull", message: "no program")
        #expect(machine.received(.notStarted(container: "main", problem), now: at(0)) == [])
        #expect(self.status(machine, 0).at("containerStatuses")?[0]?.at("state", "waiting", "reason") == "ErrImagePull")
        #expect(machine.received(.tick, now: at(1)) == [.start(container: "main", attempt: 0)])
    }

    @Test("a readiness probe makes the pod ready, and three failures in a row unready again")
    func readiness() {
        var machine = PodMachine(
            podSpec { $0["readinessProbe"] = ["httpGet": ["port": 80], "initialDelaySeconds": 2, "periodSeconds": 5] })
        _ = machine.received(.tick, now: at(0))
        _ = machine.received(.prepared, now: at(0))
        #expect(machine.received(.started(container: "main", processIdentifier: 7), now: at(0)) == [])
        #expect(machine.nextLook == at(2))
        let ask = PodMachine.Action.probe(container: "main", .readiness, attempt: 0)
        #expect(machine.received(.tick, now: at(2)) == [ask])
        #expect(machine.received(.tick, now: at(3)) == [], "the answer is still out")
        #expect(machine.received(.probed(container: "main", .readiness, attempt: 0, success: false), now: at(3)) == [])
        #expect(machine.nextLook == at(3.25), "until it has been ready once it is asked eagerly")
        _ = machine.received(.tick, now: at(4))
        _ = machine.received(.probed(container: "main", .readiness, attempt: 0, success: true), now: at(4))
        #expect(self.condition(machine, "Ready") == "True")
        for second in [9.0, 14, 19] {
            #expect(self.condition(machine, "Ready") == "True")
            #expect(machine.received(.tick, now: at(second)) == [ask])
            _ = machine.received(.probed(container: "main", .readiness, attempt: 0, success: false), now: at(second))
        }
        #expect(self.condition(machine, "Ready") == "False")
    }

    @Test("a failed liveness probe stops the container, which then starts anew")
    func liveness() {
        var machine = PodMachine(podSpec(grace: 3) { $0["livenessProbe"] = ["tcpSocket": ["port": 80], "failureThreshold": 1] })
        _ = machine.received(.tick, now: at(0))
        _ = machine.received(.prepared, now: at(0))
        let ask = PodMachine.Action.probe(container: "main", .liveness, attempt: 0)
        #expect(machine.received(.started(container: "main", processIdentifier: 7), now: at(0)) == [ask])
        #expect(
            machine.received(.probed(container: "main", .liveness, attempt: 0, success: false), now: at(1)) == [.stop(container: "main")])
        #expect(machine.received(.tick, now: at(4)) == [.kill(container: "main")])
        #expect(machine.received(.exited(container: "main", .signaled(9)), now: at(4)) == [.start(container: "main", attempt: 1)])
    }

    @Test("the startup probe comes first and alone")
    func startup() {
        let probe: JSON = ["tcpSocket": ["port": 80]]
        var machine = PodMachine(
            podSpec {
                $0["startupProbe"] = probe
                $0["livenessProbe"] = probe
                $0["readinessProbe"] = probe
            })
        _ = machine.received(.tick, now: at(0))
        _ = machine.received(.prepared, now: at(0))
        #expect(
            machine.received(.started(container: "main", processIdentifier: 7), now: at(0))
                == [.probe(container: "main", .startup, attempt: 0)])
        #expect(
            machine.received(.probed(container: "main", .startup, attempt: 0, success: true), now: at(1)) == [
                .probe(container: "main", .readiness, attempt: 0), .probe(container: "main", .liveness, attempt: 0),
            ])
    }

    @Test("an answer about an earlier process says nothing about this one")
    func staleProbe() {
        var machine = PodMachine(podSpec { $0["readinessProbe"] = ["tcpSocket": ["port": 80]] })
        _ = machine.received(.tick, now: at(0))
        _ = machine.received(.prepared, now: at(0))
        _ = machine.received(.started(container: "main", processIdentifier: 7), now: at(0))
        _ = machine.received(.exited(container: "main", .exited(1)), now: at(1))
        _ = machine.received(.started(container: "main", processIdentifier: 8), now: at(1))
        _ = machine.received(.probed(container: "main", .readiness, attempt: 0, success: true), now: at(1))
        #expect(self.condition(machine, "Ready") == "False")
    }

    @Test("a container that keeps crashing starts again at once, then after 1, 2, 4 … seconds")
    func backOff() {
        var machine = self.running(podSpec())
        var now = 2.0
        #expect(machine.received(.exited(container: "main", .exited(3)), now: at(now)) == [.start(container: "main", attempt: 1)])
        for (attempt, delay) in [(2, 1.0), (3, 2), (4, 4), (5, 8)] {
            _ = machine.received(.started(container: "main", processIdentifier: 9), now: at(now))
            #expect(machine.received(.exited(container: "main", .exited(3)), now: at(now)) == [])
            let container = self.status(machine, now).at("containerStatuses")?[0]
            #expect(container?.at("state", "waiting", "reason") == "CrashLoopBackOff")
            #expect(container?.at("lastState", "terminated", "exitCode") == 3)
            #expect(container?["restartCount"]?.int == attempt)
            now += delay
            #expect(machine.nextLook == at(now))
            #expect(machine.received(.tick, now: at(now)) == [.start(container: "main", attempt: attempt)])
        }
    }

    @Test(
        "restart policies decide what follows an exit",
        arguments: [("Never", 0, "Succeeded"), ("Never", 1, "Failed"), ("OnFailure", 0, "Succeeded"), ("OnFailure", 1, "Running")])
    func policies(policy: String, code: Int, phase: String) {
        var machine = self.running(podSpec(restart: policy))
        let actions = machine.received(.exited(container: "main", .exited(code)), now: at(2))
        #expect(actions.isEmpty == (phase != "Running"))
        #expect(self.status(machine, 2)["phase"]?.string == phase)
    }

    @Test("init containers run one after another before the others")
    func initContainers() {
        var machine = PodMachine(
            PodSpec(["initContainers": [["name": "a"], ["name": "b"]], "containers": [["name": "main"]]]))
        _ = machine.received(.tick, now: at(0))
        #expect(machine.received(.prepared, now: at(0)) == [.start(container: "a", attempt: 0)])
        _ = machine.received(.started(container: "a", processIdentifier: 1), now: at(0))
        #expect(self.status(machine, 0).at("containerStatuses")?[0]?.at("state", "waiting", "reason") == "PodInitializing")
        #expect(machine.received(.exited(container: "a", .exited(0)), now: at(1)) == [.start(container: "b", attempt: 0)])
        _ = machine.received(.started(container: "b", processIdentifier: 2), now: at(1))
        #expect(self.condition(machine, "Initialized") == "False")
        #expect(machine.received(.exited(container: "b", .exited(0)), now: at(2)) == [.start(container: "main", attempt: 0)])
        #expect(self.condition(machine, "Initialized") == "True")
    }

    @Test("deletion asks the program to stop, kills it after the grace period, and finishes when it is gone")
    func deletion() {
        var machine = self.running(podSpec())
        #expect(machine.received(.deletionRequested(grace: .seconds(5)), now: at(10)) == [.stop(container: "main")])
        #expect(machine.received(.deletionRequested(grace: .seconds(5)), now: at(11)) == [], "said once")
        #expect(machine.nextLook == at(15))
        #expect(machine.received(.tick, now: at(15)) == [.kill(container: "main")])
        #expect(machine.received(.tick, now: at(16)) == [])
        #expect(machine.received(.exited(container: "main", .signaled(9)), now: at(16)) == [.finish(deleteObject: true)])
        #expect(machine.isFinished)
    }

    @Test("a shorter grace period brings the end forward")
    func forcedDeletion() {
        var machine = self.running(podSpec())
        _ = machine.received(.deletionRequested(grace: .seconds(30)), now: at(10))
        #expect(machine.received(.deletionRequested(grace: .zero), now: at(11)) == [.kill(container: "main")])
    }

    @Test("a pod whose object has vanished is killed and deletes nothing")
    func vanished() {
        var machine = self.running(podSpec())
        #expect(machine.received(.objectGone, now: at(10)) == [.stop(container: "main"), .kill(container: "main")])
        #expect(machine.received(.exited(container: "main", .signaled(9)), now: at(10)) == [.finish(deleteObject: false)])
    }

    @Test("a pod deleted while its process starts waits for it")
    func deletedWhileStarting() {
        var machine = PodMachine(podSpec())
        _ = machine.received(.tick, now: at(0))
        _ = machine.received(.prepared, now: at(0))
        #expect(machine.received(.deletionRequested(grace: .seconds(1)), now: at(0)) == [])
        #expect(machine.received(.started(container: "main", processIdentifier: 3), now: at(0)) == [.stop(container: "main")])
        #expect(machine.received(.exited(container: "main", .exited(0)), now: at(0)) == [.finish(deleteObject: true)])
    }

    @Test("a pod deleted before anything ran is finished at once")
    func deletedEarly() {
        var machine = PodMachine(podSpec())
        #expect(machine.received(.deletionRequested(grace: .seconds(30)), now: at(0)) == [.finish(deleteObject: true)])
    }

    @Test("whatever happens, nothing starts while a pod stops, and it finishes exactly once")
    func seededRun() {
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<300 {
            var machine = PodMachine(podSpec { $0["readinessProbe"] = ["tcpSocket": ["port": 1]] })
            var (alive, finished, now, stopping) = (false, 0, 0.0, false)
            for step in 0..<60 {
                now += Double.random(in: 0...4, using: &generator)
                let facts: [PodMachine.Fact] = [
                    .tick, .prepared, .notPrepared(.config("x")),
                    .probed(container: "main", .readiness, attempt: 0, success: step % 2 == 0),
                    .worldChanged, .deletionRequested(grace: .seconds(5)), alive ? .exited(container: "main", .exited(1)) : .tick,
                ]
                let fact = step < 5 && stopping == false ? facts[step % 2] : facts.randomElement(using: &generator) ?? .tick
                if case .deletionRequested = fact { stopping = true }
                if case .exited = fact { alive = false }
                var actions = machine.received(fact, now: at(now))
                while let start = actions.first(where: { if case .start = $0 { true } else { false } }) {
                    #expect(!stopping && !alive, "\(start)")
                    alive = true
                    actions = machine.received(.started(container: "main", processIdentifier: 1), now: at(now))
                }
                finished += actions.count { if case .finish = $0 { true } else { false } }
                #expect(finished == 0 || !alive)
            }
            #expect(finished == (stopping && !alive ? 1 : 0))
        }
    }
}
