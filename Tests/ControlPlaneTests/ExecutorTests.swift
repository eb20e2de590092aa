import ControlPlane
import Foundation
import JSONModel
import KubeAPI
import Logging
import MeshModel
import Synchronization
import Telemetry
import Testing

@testable import Planning

struct ExecutorTests {
    private let cluster = ScriptedCluster()
    private let lines = Lines()
    private let failures = WriteFailureBook()

    private func executor() -> Executor {
        let logger = Logger(label: "test") { _ in self.lines.handler }
        return Executor(
            writer: self.cluster, namespace: "kuma-system", events: EventWriter(writer: self.cluster, instance: "cp-1", logger: logger),
            failures: self.failures,
            metrics: OperatorMetrics(MetricsRegistry()), logger: logger)
    }

    private static let owner = AdmissionTests.object(.zoneEgresses, "egress", uid: "ze")

    private static func apply(_ name: String) -> Apply {
        Apply(
            type: .services, object: KubeObject(.services, name: name, namespace: "kuma-system"), manager: "egret", force: true,
            change: .create, why: "ZoneEgress egress needs it", regarding: Self.owner)
    }

    private static func plan(_ change: (inout Plan) -> Void) -> Plan {
        var plan = Plan()
        change(&plan)
        return plan
    }

    @discardableResult
    private func carryOut(
        _ executor: inout Executor, _ plan: Plan, version: Int = 1, mayWrite: Bool = true
    ) async -> ContinuousClock.Instant? {
        await executor.carryOut(plan, version: version, seen: { self.cluster[$0, $1] }, mayWrite: { mayWrite })
    }

    @Test("A change is one write, one line that says why, and one event")
    func oneChange() async {
        var executor = self.executor()
        let again = await self.carryOut(&executor, Self.plan { $0.applies = [Self.apply("a")] })
        #expect(again == nil)
        #expect(self.cluster.writes == ["apply Service/kuma-system/a"])
        #expect(self.cluster.events.count == 1)
        #expect(self.lines.all == ["info Created an object k8s.object=Service/kuma-system/a why=ZoneEgress egress needs it"])
    }

    @Test("Who does not lead writes nothing")
    func follower() async {
        var executor = self.executor()
        await self.carryOut(&executor, Self.plan { $0.applies = [Self.apply("a")] }, mayWrite: false)
        #expect(self.cluster.writes.isEmpty && self.cluster.events.isEmpty)
    }

    @Test("A failed item blocks no other, comes back after its back-off, and repeats its line only for a new cause")
    func failure() async {
        var executor = self.executor()
        let status = KubeStatus(code: 500, reason: "InternalError", message: "etcd is full")
        self.cluster.fail("apply Service/kuma-system/a", with: .server(status))
        let plan = Self.plan { $0.applies = [Self.apply("a"), Self.apply("b")] }
        let again = await self.carryOut(&executor, plan)
        #expect(self.cluster.writes == ["apply Service/kuma-system/b"])
        #expect(again.map { $0 > .now } == true)
        #expect(self.lines.all.first?.hasPrefix("warning A change failed and will be tried again attempt=1 cause=etcd is full") == true)
        // Before the back-off is over nothing is asked again, whatever wakes us.
        self.cluster.fail("apply Service/kuma-system/a", with: nil)
        await self.carryOut(&executor, plan, version: 2)
        #expect(!self.cluster.writes.contains("apply Service/kuma-system/a"))
        try? await Task.sleep(until: again ?? .now, clock: .continuous)
        await self.carryOut(&executor, plan, version: 2)
        #expect(self.cluster.writes.contains("apply Service/kuma-system/a"))
    }

    @Test("A plan made before our last write came back by watch writes nothing twice")
    func echo() async {
        var executor = self.executor()
        let plan = Self.plan { $0.applies = [Self.apply("a")] }
        // The cache has not seen the write: it still shows no such object.
        _ = await executor.carryOut(plan, version: 1, seen: { _, _ in nil }, mayWrite: { true })
        let again = await executor.carryOut(plan, version: 2, seen: { _, _ in nil }, mayWrite: { true })
        #expect(self.cluster.writes.count == 1)
        #expect(again != nil)
        // Now it has, and a plan that still wants it is carried out.
        await self.carryOut(&executor, plan, version: 3)
        #expect(self.cluster.writes.count == 2)
    }

    @Test("A status waits for the same object's spec to come back, so that it is not told twice")
    func echoOfAnotherField() async {
        var executor = self.executor()
        let before = Self.owner
        let zone = Apply(
            type: .zoneEgresses, object: Self.owner, manager: "egret-zone", force: false, change: .update, why: "a test", regarding: before)
        let plan = Self.plan {
            $0.applies = [zone]
            $0.statuses = [StatusPatch(type: .zoneEgresses, object: before, status: [:], news: [])]
        }
        _ = await executor.carryOut(plan, version: 1, seen: { _, _ in before }, mayWrite: { true })
        #expect(self.cluster.writes == ["apply ZoneEgress/kuma-system/egress"])
        await self.carryOut(&executor, Self.plan { $0.statuses = plan.statuses }, version: 2)
        #expect(self.cluster.writes.last == "apply status of ZoneEgress/kuma-system/egress")
    }

    @Test("An API server that does not answer ends the round; nothing is asked of it before its back-off")
    func lostServer() async {
        var executor = self.executor()
        for name in ["a", "b"] {
            self.cluster.fail("apply Service/kuma-system/\(name)", with: .transport(message: "connection refused", isSafeToRepeat: true))
        }
        let plan = Self.plan { $0.applies = [Self.apply("a"), Self.apply("b")] }
        let again = await self.carryOut(&executor, plan)
        #expect(again.map { $0 > .now } == true)
        for name in ["a", "b"] { self.cluster.fail("apply Service/kuma-system/\(name)", with: nil) }
        await self.carryOut(&executor, plan, version: 2)
        #expect(self.cluster.writes.isEmpty)
        try? await Task.sleep(until: again ?? .now, clock: .continuous)
        await self.carryOut(&executor, plan, version: 3)
        #expect(self.cluster.writes.count == 2)
    }

    @Test("What failed is tried at once when it is asked for in another form")
    func correction() async {
        self.cluster.fail("apply Service/kuma-system/a", with: .invalid(KubeStatus(code: 422, reason: "Invalid", message: "no")))
        var executor = self.executor()
        let again = await self.carryOut(&executor, Self.plan { $0.applies = [Self.apply("a")] })
        #expect(again.map { $0 > .now + .seconds(5) } == true)
        self.cluster.fail("apply Service/kuma-system/a", with: nil)
        var mended = Self.apply("a")
        mended.object.spec = ["type": "ClusterIP"]
        await self.carryOut(&executor, Self.plan { $0.applies = [mended] }, version: 2)
        #expect(self.cluster.writes == ["apply Service/kuma-system/a"])
    }

    @Test("A Service whose port somebody replaced gets its list of ports back as a whole")
    func replacedPort() async {
        let repair = self.refusedRepair("spec.ports[1].name", "Duplicate value: \"egress\"")
        var executor = self.executor()
        await self.carryOut(&executor, Self.plan { $0.applies = [repair] })
        #expect(self.cluster.writes == ["merge Service/kuma-system/a"])
        #expect(self.cluster[.services, repair.object.key]?.spec == repair.object.spec)
        #expect(self.failures.failures(of: .zoneEgresses).isEmpty)
    }

    @Test("What else the server refuses in a Service is told, and the rest of it is not written behind its back")
    func refusedService() async {
        let repair = self.refusedRepair("metadata.annotations", "Invalid value: \"a b\": name part must consist of …")
        var executor = self.executor()
        await self.carryOut(&executor, Self.plan { $0.applies = [repair] })
        #expect(self.cluster.writes.isEmpty)
        let failure = self.failures.failures(of: .zoneEgresses).values.first
        #expect(failure?.reason == .invalidSpec)
        #expect(
            failure?.sentence == "Service a cannot be written: metadata.annotations: Invalid value: \"a b\": name part must consist of …")
    }

    /// An update of a Service that the server refuses.
    private func refusedRepair(_ field: String, _ message: String) -> Apply {
        let cause = KubeStatus.Cause(reason: "FieldValueInvalid", message: message, field: field)
        self.cluster.fail(
            "apply Service/kuma-system/a",
            with: .invalid(KubeStatus(code: 422, reason: "Invalid", message: "\(field): \(message)", causes: [cause])))
        var repair = Self.apply("a")
        repair.change = .update
        repair.object.spec = ["ports": [["name": "egress", "port": 10002]]]
        return repair
    }

    @Test("A new authority is told of the Mesh")
    func authority() async throws {
        let mesh = KubeObject(.meshes, name: "default")
        let request = AuthorityRequest(
            mesh: try MeshName("default"), backend: "ca-1", rsaBits: nil, life: .seconds(3600), why: "Mesh default has none")
        var executor = self.executor()
        _ = await executor.carryOut(
            Self.plan { $0.authorities = [request] }, version: 1, seen: { type, _ in type == .meshes ? mesh : nil }, mayWrite: { true })
        #expect(self.cluster.writes.count == 2)
        #expect(self.cluster.events.count == 1 && self.cluster.events[0].hasPrefix("create Event/default/default."))
    }

    @Test("A status of an object that is gone is forgotten without a word")
    func goneMeanwhile() async {
        let line = "apply status of ZoneEgress/kuma-system/egress"
        self.cluster.fail(line, with: .notFound(KubeStatus(code: 404, reason: "NotFound", message: "not found")))
        var executor = self.executor()
        let patch = StatusPatch(
            type: .zoneEgresses, object: Self.owner, status: [:], news: [.init(reason: .ready, sentence: "x", isWarning: false)])
        #expect(await self.carryOut(&executor, Self.plan { $0.statuses = [patch] }) == nil)
        #expect(self.lines.all.isEmpty && self.cluster.events.isEmpty)
    }

    @Test("A write that needs a person is told to the planner, until it succeeds or is no longer wanted")
    func needsPerson() async {
        let message = #"Apply failed with 1 conflict: conflict with "kubectl" using kuma.io/v1alpha1: .spec.zone"#
        let status = KubeStatus(code: 409, reason: "Conflict", message: message)
        self.cluster.fail("apply Service/kuma-system/a", with: .conflict(status))
        var executor = self.executor()
        await self.carryOut(&executor, Self.plan { $0.applies = [Self.apply("a")] })
        #expect(
            self.failures.failures(of: .zoneEgresses)
                == [Self.owner.key: WriteFailure(reason: .conflict, sentence: "Service a cannot be written: \(message)")])
        #expect(self.failures.failures(of: .meshes).isEmpty)
        await self.carryOut(&executor, Plan(), version: 2)
        #expect(self.failures.failures(of: .zoneEgresses).isEmpty)
    }

    @Test("Deletes take only the very object they mean")
    func deletes() async {
        var executor = self.executor()
        let key = ObjectKey(namespace: "kuma-system", name: "a")
        self.cluster[.services, key] = AdmissionTests.object(.services, "a", uid: "new")
        let plan = Self.plan {
            $0.deletes = [Delete(type: .services, key: key, uid: "old", why: "the egress is disabled", regarding: Self.owner)]
        }
        await self.carryOut(&executor, plan)
        #expect(self.cluster[.services, key] != nil && self.cluster.events.isEmpty)
        self.cluster[.services, key] = AdmissionTests.object(.services, "a", uid: "old")
        await self.carryOut(&executor, plan, version: 2)
        #expect(self.cluster[.services, key] == nil)
        #expect(self.lines.all == ["info Deleted an object k8s.object=Service/kuma-system/a why=the egress is disabled"])
    }

    @Test("A status goes to the status subresource; only news are worth a line and an event")
    func statuses() async {
        var executor = self.executor()
        let patch = StatusPatch(type: .zoneEgresses, object: Self.owner, status: ["replicas": 1], news: [])
        await self.carryOut(&executor, Self.plan { $0.statuses = [patch] })
        #expect(self.cluster.writes == ["apply status of ZoneEgress/kuma-system/egress"])
        #expect(self.cluster.events.isEmpty)
        var loud = patch
        loud.status = ["replicas": 0]
        loud.news = [.init(reason: .noReadyEndpoints, sentence: "no egress is ready", isWarning: true)]
        await self.carryOut(&executor, Self.plan { $0.statuses = [loud] }, version: 2)
        #expect(self.cluster.events.count == 1)
        #expect(
            self.lines.all.last
                == "warning A state changed k8s.object=ZoneEgress/kuma-system/egress reason=NoReadyEndpoints why=no egress is ready")
    }

    @Test("An event keeps the API's rules: namespace of its object, default for cluster-scoped ones, notes of 1 KiB")
    func events() {
        var mesh = KubeObject(.meshes, name: "default")
        mesh.metadata.uid = "m"
        let note = EventNote(
            regarding: mesh, reason: "MTLSRequired", action: "Report", sentence: String(repeating: "é", count: 1000), isWarning: true)
        let event = note.object(instance: "cp-1", now: Date(timeIntervalSince1970: 1), suffix: "1f")
        #expect(event.namespace == "default" && event.name == "default.1f")
        #expect(event["note"]?.string?.utf8.count == 1024)
        #expect(event["regarding"]?["namespace"] == nil)
        #expect(event["eventTime"]?.string == "1970-01-01T00:00:01.000000Z")
        #expect(event["type"]?.string == "Warning")
    }
}

/// Log lines as `level message key=value …`, debug and below left out.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { self.lines.withLock { $0 } }
    fileprivate func append(_ line: String) { self.lines.withLock { $0.append(line) } }

    var handler: any LogHandler { Handler(lines: self) }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let facts = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
            self.lines.append("\(event.level) \(event.message)\(facts)")
        }
    }
}
