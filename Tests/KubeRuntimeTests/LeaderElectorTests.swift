import JSONModel
import KubeAPI
import KubeRuntime
import Logging
import ServiceLifecycle
import Synchronization
import TestServer
import Testing

@Suite("Leader elector", .timeLimit(.minutes(1)))
struct LeaderElectorTests {
    /// One lease with optimistic concurrency, as the API server keeps it.
    private final class LeaseStore: Sendable {
        private let state = Mutex<(lease: JSON?, version: Int, isDown: Bool)>((nil, 0, false))

        var holder: String? { self.state.withLock { $0.lease?.at("spec", "holderIdentity")?.string } }
        func goDown(_ isDown: Bool) { self.state.withLock { $0.isDown = isDown } }

        var script: ScriptedServer.Script {
            { request, reply in
                let answer = self.state.withLock { state -> (Int, JSON)? in
                    if state.isDown { return nil }
                    let status = { (code: Int, reason: String) in (code, KubeStatus(code: code, reason: reason, message: reason).json) }
                    if request.line.hasPrefix("GET") { return state.lease.map { (200, $0) } ?? status(404, "NotFound") }
                    guard var lease = try? JSON(parsing: request.body) else { return status(400, "BadRequest") }
                    if request.line.hasPrefix("POST"), state.lease != nil { return status(409, "AlreadyExists") }
                    if request.line.hasPrefix("PUT"), lease.at("metadata", "resourceVersion") != .string("\(state.version)") {
                        return status(409, "Conflict")
                    }
                    state.version += 1
                    lease.set(["metadata", "resourceVersion"], to: .string("\(state.version)"))
                    state.lease = lease
                    return (200, lease)
                }
                guard let answer else { return try await reply.silence() }
                try await reply.answer(json: answer.1.text, status: answer.0)
            }
        }
    }

    private let timing = LeaseMachine.Timing(
        duration: .milliseconds(1500), renewDeadline: .milliseconds(1000), retryPeriod: .milliseconds(50))

    private func elector(_ server: ScriptedServer, _ identity: String) -> LeaderElector {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let client = KubeClient(ClusterConfig(server: server.url), userAgent: "t", logger: logger)
        return LeaderElector(
            client: client, lease: ObjectKey(namespace: "kuma-system", name: "egret"), identity: identity, timing: self.timing,
            logger: logger)
    }

    private func service(_ elector: LeaderElector) -> ServiceGroup {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return ServiceGroup(configuration: .init(services: [.init(service: elector, successTerminationBehavior: .ignore)], logger: logger))
    }

    @Test("One of two leads; when it leaves in good order the other takes over without waiting for the lease to run out")
    func handOver() async throws {
        let store = LeaseStore()
        try await ScriptedServer.with(script: store.script) { server in
            let (first, second) = (self.elector(server, "one"), self.elector(server, "two"))
            let (firstService, secondService) = (self.service(first), self.service(second))
            try await withThrowingTaskGroup { tasks in
                tasks.addTask { try await firstService.run() }
                for await isLeader in first.leadership() where isLeader { break }
                #expect(first.isLeader && store.holder == "one")
                tasks.addTask { try await secondService.run() }
                #expect(!second.isLeader)
                await firstService.triggerGracefulShutdown()
                for await isLeader in second.leadership() where isLeader { break }
                #expect(!first.isLeader && second.isLeader && store.holder == "two")
                await secondService.triggerGracefulShutdown()
                try await tasks.waitForAll()
                #expect(store.holder == "")
            }
        }
    }

    @Test("A leader that cannot reach the server says in time that it no longer leads, and leads again afterwards")
    func outage() async throws {
        let store = LeaseStore()
        try await ScriptedServer.with(script: store.script) { server in
            let elector = self.elector(server, "one")
            let service = self.service(elector)
            try await withThrowingTaskGroup { tasks in
                tasks.addTask { try await service.run() }
                var iterator = elector.leadership().makeAsyncIterator()
                while await iterator.next() == false {}
                store.goDown(true)
                #expect(await iterator.next() == false)
                #expect(!elector.isLeader)
                store.goDown(false)
                #expect(await iterator.next() == true)
                await service.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }
}
