import FoundationEssentials
import Identity
import KubeAPI
import KubeRuntime
package import Logging
import Planning
import ServiceLifecycle
import Synchronization
import Telemetry

/// The operator: caches → plan → proxies and, while we lead, the API server.
///
/// Two loops, so that planning and serving go on whatever writing waits for. The first makes a plan whenever the caches,
/// what proxies said, or the time gives reason to, and hands it to proxies; a burst of changes is one plan. The second
/// carries out the newest plan; plans it did not get to are forgotten, because each is complete.
package struct OperatorLoop: Service {
    private let source: any WorldSource
    private let hub: ConfigHub
    private let presence: Presence
    private let acknowledgements: AcknowledgementBook
    private let writeFailures: WriteFailureBook
    /// Nil where nobody else can own the kinds.
    private let definitions: DefinitionsCheck?
    private let leadership: Leadership
    private let onRead: @Sendable () -> Void
    private let makeExecutor: @Sendable () -> Executor
    private let readiness: Readiness
    private let metrics: OperatorMetrics
    private let logger: Logger

    /// How long the first change of a burst waits for the others.
    private static let debounce = Duration.milliseconds(20)

    private static let definitionsPause = Duration.seconds(2)

    /// How long other zones are not told what ingresses of this one offer and don't serve yet.
    private static let offerPatience = Duration.seconds(5)

    /// - Parameter onRead: called once, when everything has been read and nothing is planned yet.
    package init(
        source: any WorldSource, hub: ConfigHub, presence: Presence, acknowledgements: AcknowledgementBook,
        writeFailures: WriteFailureBook, definitions: DefinitionsCheck?,
        leadership: Leadership, readiness: Readiness,
        metrics: OperatorMetrics, logger: Logger, onRead: @escaping @Sendable () -> Void = {},
        makeExecutor: @escaping @Sendable () -> Executor
    ) {
        self.source = source
        self.hub = hub
        self.presence = presence
        self.acknowledgements = acknowledgements
        self.writeFailures = writeFailures
        self.definitions = definitions
        self.leadership = leadership
        self.readiness = readiness
        self.metrics = metrics
        self.logger = logger
        self.onRead = onRead
        self.makeExecutor = makeExecutor
    }

    package func run() async throws {
        let news = Wake()
        let work = Wake()
        let newest = NewestPlan()
        try await withGracefulShutdownHandler {
            // Changes are heard from before the first look, so that none falls between.
            let changes = self.source.changes()
            let presenceChanges = self.presence.changes()
            let newVerdicts = self.acknowledgements.newVerdicts()
            try await self.waitForDefinitions(stopped: { news.isFinished })
            try await self.source.waitUntilRead()
            self.onRead()
            self.readiness.set(.caches, nil)
            try await withThrowingTaskGroup { group in
                group.addTask { for await _ in changes { news.up() } }
                group.addTask { for await _ in newVerdicts { news.up() } }
                group.addTask { for await _ in self.writeFailures.changes { news.up() } }
                group.addTask { for await _ in presenceChanges { news.up() } }
                group.addTask {
                    for await isLeader in self.leadership.changes() {
                        self.metrics.isLeader.set(isLeader ? 1 : 0)
                        if isLeader { work.up() }
                    }
                }
                group.addTask { try await self.plan(news: news, work: work, newest: newest) }
                group.addTask { await self.write(work: work, newest: newest, stopped: { news.isFinished }) }
                news.up()
                // Both loops end when they are told to stop; the listeners are then let go.
                var loops = 2
                while loops > 0, try await group.next() != nil { if news.isFinished { loops -= 1 } }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            news.finish()
            work.finish()
        }
    }

    /// Nothing is written while the kinds belong to somebody else.
    private func waitForDefinitions(stopped: () -> Bool) async throws {
        guard let definitions else { return }
        var said: String?
        while !stopped() {
            let problem: String?
            do { problem = try await definitions.problem() } catch {
                if case .cancelled = error { return }
                problem = error.description
            }
            self.readiness.set(.definitions, problem)
            guard let problem else { return }
            if problem != said {
                said = problem
                self.logger.error("The definitions of the kuma.io kinds cannot be used; waiting", metadata: ["reason": "\(problem)"])
            }
            try await Task.sleep(for: Self.definitionsPause)
        }
    }

    private func plan(news: Wake, work: Wake, newest: NewestPlan) async throws {
        var settings = SettingsReader()
        var version = 0
        let memory = PlanMemory()
        try await withThrowingTaskGroup { timers in
            var nextLook: Date?
            for await _ in news.stream {
                try await Task.sleep(for: Self.debounce)
                if self.source.readSettings(&settings) { self.tell(settings) }
                guard let current = settings.settings else { continue }
                let now = Date()
                let started = ContinuousClock.now
                var (observed, authorities, meshes) = self.source.observed(settings: current, now: now)
                observed.memory = memory
                let plan = Planner.plan(observed) { plan in
                    self.hub.publish(
                        PlannedWorld(plan: plan, authorities: authorities, meshes: meshes))
                }
                version += 1
                self.metrics.planned(in: .now - started)
                self.readiness.set(.plan, nil)
                newest.set(.init(plan: plan, version: version, objects: observed.objects))
                work.up()
                let proxies = Set(observed.proxies)
                self.acknowledgements.keep { proxies.contains($0) }
                self.presence.keepHistory(of: proxies)
                if let look = [plan.nextLook, self.presence.nextChange(after: now)].compactMap(\.self).min(), look != nextLook {
                    nextLook = look
                    timers.addTask {
                        try? await Task.sleep(for: .seconds(max(0.05, look.timeIntervalSince(now))))
                        news.up()
                    }
                }
            }
            timers.cancelAll()
        }
    }

    private func write(work: Wake, newest: NewestPlan, stopped: @escaping @Sendable () -> Bool) async {
        var executor = self.makeExecutor()
        let leadership = self.leadership
        await withTaskGroup { timers in
            var alarm: ContinuousClock.Instant?
            for await _ in work.stream {
                guard let made = await self.servedPlan(newest), leadership.isLeader else { continue }
                let again = await executor.carryOut(
                    made.plan, version: made.version, seen: { made.objects[$0, $1] }, mayWrite: { leadership.isLeader && !stopped() })
                guard let again, again != alarm else { continue }
                alarm = again
                timers.addTask {
                    try? await Task.sleep(until: again, clock: .continuous)
                    work.up()
                }
            }
            timers.cancelAll()
        }
    }

    /// The newest plan, once ingresses serve what it tells other zones that they offer.
    private func servedPlan(_ newest: NewestPlan) async -> NewestPlan.Made? {
        let deadline = ContinuousClock.now + Self.offerPatience
        while let made = newest.value {
            let left = deadline - .now
            if !made.plan.tellsOtherZones || left <= .zero || !self.hub.isBehind { return made }
            await self.hub.waitUntilServed(atMost: left)
        }
        return nil
    }

    private func tell(_ settings: SettingsReader) {
        if let problem = settings.problem {
            if settings.settings == nil {
                self.readiness.set(.plan, problem)
                self.logger.error("There are no settings yet; nothing is planned without them", metadata: ["reason": "\(problem)"])
            } else {
                self.logger.error("The settings cannot be used; what was in force before stays", metadata: ["reason": "\(problem)"])
            }
        } else if let settings = settings.settings {
            self.logger.info(
                "Read the settings",
                metadata: [
                    "zone": "\(settings.zone)", "egress.enabled": "\(settings.egress.isEnabled)",
                    "egress.replicas": "\(settings.egress.replicas)", "ingress.enabled": "\(settings.ingress.isEnabled)",
                ])
        }
    }
}

/// The plan to carry out: always the last one made.
private final class NewestPlan: Sendable {
    struct Made {
        var plan: Plan
        var version: Int
        /// What it was made from.
        var objects: Objects
    }

    private let held = Mutex<Made?>(nil)

    func set(_ made: Made) { self.held.withLock { $0 = made } }

    var value: Made? { self.held.withLock { $0 } }
}

/// Something that may have happened, any number of times.
final class Wake: Sendable {
    let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let finished = Atomic(false)

    init() { (self.stream, self.continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func up() { self.continuation.yield() }

    func finish() {
        self.finished.store(true, ordering: .sequentiallyConsistent)
        self.continuation.finish()
    }

    var isFinished: Bool { self.finished.load(ordering: .sequentiallyConsistent) }
}
