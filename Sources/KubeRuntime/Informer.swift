private import CurlTransport
package import KubeAPI
package import Logging
import ServiceLifecycle
private import Synchronization

/// A cache of one collection, kept in step with the server: listed once in pages, then followed by watches that resume
/// where the last one ended. Only a server that has forgotten the position (410) makes it list again.
package final class Informer: Service, Sendable {
    package struct Timing: Sendable {
        /// The server ends a watch after this; up to a sixth is taken off at random, so that caches do not reconnect together.
        package var watch: Duration
        /// A watch that is silent for this much longer than the server meant to keep it open is dead.
        package var grace: Duration
        package var backoff: Backoff

        package init(watch: Duration = .seconds(290), grace: Duration = .seconds(5), backoff: Backoff = Backoff()) {
            self.watch = watch
            self.grace = grace
            self.backoff = backoff
        }
    }

    package let type: ResourceType
    private let client: KubeClient
    private let namespace: String?
    private let selector: ObjectSelector
    private let pageSize: Int
    private let timing: Timing
    private let logger: Logger
    private let cache: ObjectCache
    /// What was last told to people, so that the same trouble is told once.
    private let told = Mutex<String?>(nil)

    /// `transform` may drop what nobody reads (managed fields, large data) before an object is kept.
    package init(
        _ type: ResourceType, client: KubeClient, namespace: String? = nil, selector: ObjectSelector = .all, pageSize: Int = 500,
        timing: Timing = Timing(), logger: Logger = Logger(label: "egret.informer"),
        transform: @escaping @Sendable (inout KubeObject) -> Void = { _ in }
    ) {
        self.type = type
        self.client = client
        self.namespace = namespace
        self.selector = selector
        self.pageSize = pageSize
        self.timing = timing
        var logger = logger
        logger[metadataKey: "k8s.resource"] = "\(type)"
        self.logger = logger
        self.cache = ObjectCache(type, transform: transform)
    }

    /// All objects as of now. Empty until synchronised.
    package var snapshot: [ObjectKey: KubeObject] { self.cache.snapshot }

    package func object(_ key: ObjectKey) -> KubeObject? { self.cache.object(key) }

    /// Whether the first list is in.
    package var isSynchronised: Bool { self.cache.synchronised.isOpen }

    /// Returns once the first list is in; throws when cancelled.
    package func waitUntilSynchronised() async throws(CancellationError) { try await self.cache.synchronised.wait() }

    /// Changes from now on. Keys merge while nobody reads, so that a slow reader costs little memory.
    package func changes() -> ChangeFeed {
        let mailbox = ChangeMailbox()
        self.attach(mailbox)
        return ChangeFeed(mailbox: mailbox)
    }

    func attach(_ mailbox: ChangeMailbox) { self.cache.attach(mailbox) }

    /// Follows the collection until cancelled or gracefully shut down. No failure ends it.
    package func run() async throws { await cancelWhenGracefulShutdown { await self.follow() } }

    private func follow() async {
        var machine = WatchMachine(backoff: self.timing.backoff)
        while !Task.isCancelled {
            let delay =
                switch machine.step {
                case .list(let token): await self.list(token, &machine)
                case .watch(let version): await self.watch(version, &machine)
                }
            // Cancellation ends the loop at its head.
            if delay > .zero { try? await Task.sleep(for: delay) }
        }
    }

    private func list(_ token: String?, _ machine: inout WatchMachine) async -> Duration {
        let request = KubeRequest.list(
            self.type, namespace: self.namespace, selector: self.selector, limit: self.pageSize, continue: token)
        do throws(KubeError) {
            let page = try await self.client.page(request, of: self.type)
            let outputs = machine.received(page: page.objects, continue: page.continueToken, resourceVersion: page.resourceVersion)
            self.cache.perform(outputs)
            self.told.withLock { $0 = nil }
            if outputs.last == .endList {
                self.logger.debug("Listed a collection", metadata: ["k8s.count": "\(self.snapshot.count)"])
            }
            return .zero
        } catch {
            return self.failed(error, "Listing failed; trying again", &machine)
        }
    }

    private func watch(_ version: String, _ machine: inout WatchMachine) async -> Duration {
        let timeout = self.timing.watch * Double.random(in: (5.0 / 6)...1)
        let request = KubeRequest.watch(
            self.type, namespace: self.namespace, selector: self.selector, resourceVersion: version, timeout: timeout)
        let stream: HTTPStream
        do throws(KubeError) {
            stream = try await self.client.stream(request, idle: timeout + self.timing.grace)
        } catch {
            return self.failed(error, "Opening a watch failed; trying again", &machine)
        }
        machine.watchOpened()
        var generator = SystemRandomNumberGenerator()
        do throws(WatchEnd) {
            let hadEvents = try await self.read(stream.body, &machine)
            return machine.closed(afterEvents: hadEvents, using: &generator)
        } catch {
            let delay = machine.failed(error.failure, using: &generator)
            if !Task.isCancelled { self.report("A watch broke off; resuming", "\(error)", delay, isAnswer: false) }
            return delay
        }
    }

    /// Why a watch ended before its time.
    private struct WatchEnd: Error, CustomStringConvertible {
        var failure: WatchMachine.Failure

        var description: String {
            switch self.failure {
            case .status(let status): status.description
            case .connection(let reason): reason
            }
        }
    }

    /// Reads to the end in good order; returns whether anything came.
    private func read(_ body: HTTPBody, _ machine: inout WatchMachine) async throws(WatchEnd) -> Bool {
        var decoder = WatchLineDecoder()
        var hadEvents = false
        do {
            for try await bytes in body {
                decoder.append(bytes)
                while let event = try decoder.next() {
                    if case .error(let status) = event { throw WatchEnd(failure: .status(status)) }
                    self.cache.perform(machine.received(event))
                    hadEvents = true
                }
            }
        } catch let end as WatchEnd {
            throw end
        } catch {
            throw WatchEnd(failure: .connection("\(error)"))
        }
        if decoder.hasPartialLine { throw WatchEnd(failure: .connection("the watch was cut within an event")) }
        return hadEvents
    }

    private func failed(_ error: KubeError, _ message: Logger.Message, _ machine: inout WatchMachine) -> Duration {
        var generator = SystemRandomNumberGenerator()
        let delay = machine.failed(error.status.map { .status($0) } ?? .connection("\(error)"), using: &generator)
        if !Task.isCancelled { self.report(message, "\(error)", delay, isAnswer: error.status != nil) }
        return delay
    }

    private func report(_ message: Logger.Message, _ reason: String, _ delay: Duration, isAnswer: Bool) {
        let metadata: Logger.Metadata = ["reason": "\(reason)", "retry.after": "\(delay)"]
        // Before the first list everything waits for us, so that a person should know what the server objects to; later
        // the cache still serves. That no server answers is told once, by the client.
        let isNews = self.told.withLock { told in
            defer { told = reason }
            return told != reason
        }
        self.logger.log(level: self.isSynchronised || !isAnswer || !isNews ? .debug : .warning, message, metadata: metadata)
    }
}
