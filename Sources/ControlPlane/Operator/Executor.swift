import FoundationEssentials
import Identity
import JSONModel
package import KubeAPI
package import Logging
package import Planning

/// Carries plans out, item by item. Owned by one task.
///
/// - A failed item never blocks the others; it comes back after a back-off of its own.
/// - An object just written is left alone until a plan has seen the result, so that one change is one write, one line,
///   one event.
/// - When the API server is not reached at all, the round ends: every other item would wait for the same.
package struct Executor: Sendable {
    private struct Setback {
        var failures = 0
        var notBefore: ContinuousClock.Instant
        var cause: String
        /// What failed: the same again waits, something else is tried at once.
        var apply: Apply?
    }

    /// A write of ours that plans have not seen yet.
    private struct Echo {
        /// The version in the plan that made us write; nil: there was no such object.
        var before: String?
        /// The version the server gave our write; nil: a delete.
        var written: String?
        var until: ContinuousClock.Instant

        /// Versions are numbers in the order of writes (Kubernetes guarantees it from 1.35 on, and etcd always did). Where
        /// they are not, any other version than before will do.
        func isPending(seen: String?) -> Bool {
            if seen == self.before { return seen != self.written }
            guard let seen = seen.flatMap(UInt64.init), let written = self.written.flatMap(UInt64.init) else { return false }
            return seen < written
        }
    }

    private struct Target: Hashable {
        var type: ResourceType
        var key: ObjectKey
    }

    /// How long a write may take to come back by watch before it counts as lost.
    private static let echoPatience = Duration.seconds(10)

    private let writer: any ClusterWriter
    private let authorities: AuthorityMaker
    /// Nil where there is nobody to write events to.
    private let events: EventWriter?
    private let metrics: OperatorMetrics
    private let failures: WriteFailureBook
    private let logger: Logger
    private let backoff = Backoff()

    private var setbacks: [PlanItem.ID: Setback] = [:]
    private var echoes: [Target: Echo] = [:]
    /// Under which key log lines name what was written.
    private let objectKey: String
    private var version = -1
    private var done: Set<PlanItem.ID> = []
    /// Nil while the API server answers.
    private var lostSince: (failures: Int, notBefore: ContinuousClock.Instant)?

    package init(
        writer: any ClusterWriter, namespace: String, events: EventWriter?, failures: WriteFailureBook, metrics: OperatorMetrics,
        home: Home = .kubernetes, logger: Logger
    ) {
        self.objectKey = home.objectKey
        self.writer = writer
        self.authorities = AuthorityMaker(writer: writer, namespace: namespace)
        self.events = events
        self.metrics = metrics
        self.failures = failures
        self.logger = logger
    }

    /// One round.
    /// - Parameters:
    ///   - version: which plan this is; items done are not done again within one version.
    ///   - seen: an object as the plan saw it; the caches may have moved on.
    ///   - mayWrite: asked before each item: do we lead, and are we staying?
    /// - Returns: when to try again what is left, if nothing else happens before.
    package mutating func carryOut(
        _ plan: Plan, version: Int, seen: @Sendable (ResourceType, ObjectKey) -> KubeObject?, mayWrite: @Sendable () -> Bool
    ) async -> ContinuousClock.Instant? {
        if version != self.version {
            self.version = version
            self.done = []
        }
        let items = PlanItem.items(of: plan)
        let wanted = Set(items.map(\.id))
        self.setbacks = self.setbacks.filter { wanted.contains($0.key) }
        self.failures.keep(wanted)
        self.echoes = self.echoes.filter { $0.value.until > .now }
        if let lost = self.lostSince, lost.notBefore > .now { return lost.notBefore }

        var next: ContinuousClock.Instant?
        func remember(_ instant: ContinuousClock.Instant) { next = min(next ?? instant, instant) }
        for item in items where !self.done.contains(item.id) {
            guard mayWrite() else { return nil }
            let now = ContinuousClock.now
            if let setback = self.setbacks[item.id], setback.notBefore > now, setback.apply == item.asApply {
                remember(setback.notBefore)
                continue
            }
            let target = item.target.map { Target(type: $0.type, key: $0.key) }
            let before = target.flatMap { seen($0.type, $0.key)?.metadata.resourceVersion }
            if let target, let echo = self.echoes[target], echo.isPending(seen: before) {
                remember(echo.until)
                continue
            }
            let started = ContinuousClock.now
            do {
                let mesh = item.mesh.flatMap { seen(.meshes, $0) }
                let written = try await self.perform(item, before: before, mesh: mesh)
                self.foundServer()
                self.setbacks[item.id] = nil
                self.failures.clear(item.id)
                self.done.insert(item.id)
                if let target { self.echoes[target] = Echo(before: before, written: written, until: .now + Self.echoPatience) }
                self.metrics.reconciled(item.id.kind, result: "success", took: .now - started)
            } catch {
                self.metrics.reconciled(item.id.kind, result: "error", took: .now - started)
                if case .cancelled = error.next { return nil }
                if case .unreachable = error.next { return self.lostServer(error.message) }
                self.foundServer()
                self.failures.record(item, error)
                remember(self.setBack(item, error))
            }
        }
        self.metrics.depth(self.setbacks.count)
        return next
    }

    // MARK: Items

    /// Returns the version the server gave the object.
    private func perform(_ item: PlanItem, before: String?, mesh: KubeObject?) async throws(ItemFailure) -> String? {
        do {
            switch item {
            case .authority(let request):
                try await self.make(request, mesh: mesh)
                return nil
            case .apply(let apply): return try await self.apply(apply, before: before)
            case .delete(let delete):
                try await self.delete(delete)
                return nil
            case .status(let patch): return try await self.report(patch)
            }
        } catch let error as KubeError {
            throw ItemFailure(error)
        } catch let failure as AuthorityMaker.Failure {
            switch failure {
            case .kube(let error): throw ItemFailure(error)
            case .identity(let error): throw ItemFailure(next: .slow, message: error.message)
            }
        } catch {
            throw ItemFailure(next: .soon, message: "\(error)")
        }
    }

    private func make(_ request: AuthorityRequest, mesh: KubeObject?) async throws {
        // The cache may not show yet what we, or another replica, made a moment ago.
        guard try await self.authorities.make(request, now: Date()) else { return }
        self.logger.info("Made a certificate authority", metadata: ["mesh.name": "\(request.mesh)", "why": "\(request.why)"])
        guard let mesh else { return }
        await self.events?.write(
            EventNote(
                regarding: mesh, reason: "AuthorityCreated", action: "Create",
                sentence: "Made a certificate authority: \(request.why)", isWarning: false))
    }

    private func apply(_ apply: Apply, before: String?) async throws -> String? {
        let written = try await self.write(apply)
        // The server found nothing to change: neither a line nor an event.
        if let before, written.metadata.resourceVersion == before { return before }
        let isNew = apply.change == .create
        self.logger.info(
            isNew ? "Created an object" : "Updated an object",
            metadata: [self.objectKey: "\(apply.object.displayName)", "why": "\(apply.why)"])
        await self.events?.write(
            EventNote(
                regarding: apply.regarding, reason: isNew ? "Created" : "Updated", action: "Apply",
                sentence: "\(isNew ? "Created" : "Updated") \(apply.type.kind) \(apply.object.name): \(apply.why)", isWarning: false))
        return written.metadata.resourceVersion
    }

    /// Somebody who replaced a Service's port leaves, after an apply, two ports of one name, which the server refuses: then
    /// the list of ports is replaced as a whole.
    private func write(_ apply: Apply) async throws(KubeError) -> KubeObject {
        do {
            return try await self.writer.apply(
                apply.type, apply.object, subresource: nil, manager: apply.manager, force: apply.force)
        } catch {
            guard apply.type == .services, apply.change == .update, let ports = apply.object.spec["ports"],
                case .invalid(let status) = error, status.causes.contains(where: { $0.field.hasPrefix("spec.ports") })
            else { throw error }
            return try await self.writer.merge(apply.type, apply.object.key, ["spec": ["ports": ports]])
        }
    }

    private func delete(_ delete: Delete) async throws {
        do {
            guard try await self.writer.delete(delete.type, delete.key, uid: delete.uid) else { return }
        } catch {
            guard case .conflict = error else { throw error }
            // Another object has taken the name; it is not ours to delete.
            return
        }
        self.logger.info("Deleted an object", metadata: [self.objectKey: "\(delete.type.kind)/\(delete.key)", "why": "\(delete.why)"])
        if let regarding = delete.regarding {
            await self.events?.write(
                EventNote(
                    regarding: regarding, reason: "Deleted", action: "Delete",
                    sentence: "Deleted \(delete.type.kind) \(delete.key.name): \(delete.why)", isWarning: false))
        }
    }

    private func report(_ patch: StatusPatch) async throws -> String? {
        var object = KubeObject(patch.type, name: patch.object.name, namespace: patch.object.namespace)
        object.status = patch.status
        let written: KubeObject
        do {
            written = try await self.writer.apply(
                patch.type, object, subresource: "status", manager: FieldManager.operator, force: true)
        } catch {
            // The object went while we were planning: there is nobody left to tell.
            guard case .notFound = error else { throw error }
            return nil
        }
        if patch.news.isEmpty {
            self.logger.debug("Updated a status", metadata: [self.objectKey: "\(patch.object.displayName)"])
        }
        for news in patch.news {
            self.logger.log(
                level: news.isWarning ? .warning : .info, "A state changed",
                metadata: [self.objectKey: "\(patch.object.displayName)", "reason": "\(news.reason.rawValue)", "why": "\(news.sentence)"])
            await self.events?.write(
                EventNote(
                    regarding: patch.object, reason: news.reason.rawValue, action: "Report", sentence: news.sentence,
                    isWarning: news.isWarning))
        }
        return written.metadata.resourceVersion
    }

    // MARK: Failures

    private mutating func setBack(_ item: PlanItem, _ error: ItemFailure) -> ContinuousClock.Instant {
        var setback = self.setbacks[item.id] ?? Setback(notBefore: .now, cause: "")
        setback.failures += 1
        let failures = error.next == .slow ? max(setback.failures, 8) : setback.failures
        var generator = SystemRandomNumberGenerator()
        let delay = error.retryAfter ?? self.backoff.delay(failures: failures, using: &generator)
        setback.notBefore = .now + delay
        // The same cause again is only worth a line for whoever looks closely.
        self.logger.log(
            level: setback.cause == error.message ? .debug : .warning, "A change failed and will be tried again",
            metadata: [
                "item": "\(item.id)", "attempt": "\(setback.failures)", "retry.after": "\(delay)", "cause": "\(error.message)",
            ])
        setback.cause = error.message
        setback.apply = item.asApply
        self.setbacks[item.id] = setback
        return setback.notBefore
    }

    private mutating func lostServer(_ cause: String) -> ContinuousClock.Instant {
        let failures = (self.lostSince?.failures ?? 0) + 1
        // The client tells people once that the server is gone.
        self.logger.debug("Writing waits for the API server", metadata: ["cause": "\(cause)"])
        var generator = SystemRandomNumberGenerator()
        let notBefore = ContinuousClock.now + self.backoff.delay(failures: failures, using: &generator)
        self.lostSince = (failures, notBefore)
        return notBefore
    }

    private mutating func foundServer() {
        self.lostSince = nil
    }
}

/// A failed write, by what happens next.
struct ItemFailure: Error {
    enum Next: Hashable {
        case soon
        /// Only a person or another change can help; look again now and then.
        case slow
        case unreachable
        case cancelled
    }

    var next: Next
    var message: String
    var retryAfter: Duration?
    /// For a condition: only of failures that need a person.
    var reason: Reason?

    init(next: Next, message: String) {
        self.next = next
        self.message = message
    }

    init(_ error: KubeError) {
        self.message = "\(error)"
        switch error {
        case .cancelled: self.next = .cancelled
        case .transport, .credentials: self.next = .unreachable
        case .throttled(_, let retryAfter):
            self.next = .soon
            self.retryAfter = retryAfter
        case .conflict:
            self.next = .soon
            self.reason = .conflict
        case .forbidden:
            self.next = .slow
            self.reason = .permissionDenied
        case .invalid:
            self.next = .slow
            self.reason = .invalidSpec
        default: self.next = error.isTransient ? .soon : .slow
        }
    }
}
