/// Keeps a cache of one collection in step with the server: list in pages, then watch from where the list ended.
///
/// The machine holds no objects. It says what to ask next and what the consumer should do with what came.
///
/// ```
///            page (more)                page (last)            watch opens
///   empty ──────────────▶ listing ───────────────▶ listed ───────────────▶ watching
///     ▲                      │                        ▲  closed, silent, failure │
///     └──── 410 ─────────────┴────────────────────────┼──────────────────────────┤
///     ▲                                               └──────────────────────────┘
///     └──────────────────────────────── 410 ─────────────────────────────────────┘
/// ```
/// Anything but 410 keeps the position: only a server that has forgotten it can make us read everything again.
package struct WatchMachine: Sendable {
    package enum State: Hashable, Sendable {
        /// Nothing is known. → listing, listed.
        case empty
        /// Some pages have come; `token` asks for the next. → listing, listed, empty.
        case listing(token: String)
        /// The collection is known as of a version; no watch is open. → watching, empty.
        case listed(resourceVersion: String)
        /// Changes are arriving. → listed, empty.
        case watching(resourceVersion: String)
    }

    /// What to ask the server for.
    package enum Step: Hashable, Sendable {
        /// A page: the first when there is no token.
        case list(token: String?)
        /// `after`: wait so long first.
        case watch(resourceVersion: String)
    }

    /// What a consumer does with what came.
    package enum Output: Hashable, Sendable {
        /// A list begins: collect its objects aside.
        case beginList
        /// More objects of the list.
        case page([KubeObject])
        /// The list is whole: swap the objects collected aside in.
        case endList
        case apply(KubeObject)
        case remove(KubeObject)
    }

    package enum Failure: Hashable, Sendable {
        /// The server answered with a status.
        case status(KubeStatus)
        /// The connection failed, was cut within an event, sent garbage or fell silent.
        case connection(String)
    }

    package private(set) var state: State = .empty
    private var failures = 0
    private let backoff: Backoff

    package init(backoff: Backoff = Backoff()) { self.backoff = backoff }

    /// What to do now.
    package var step: Step {
        switch self.state {
        case .empty: .list(token: nil)
        case .listing(let token): .list(token: token)
        case .listed(let version), .watching(let version): .watch(resourceVersion: version)
        }
    }

    /// A page arrived. `continue` names the next one; without it the list is complete as of `resourceVersion`.
    package mutating func received(page objects: [KubeObject], continue token: String?, resourceVersion: String) -> [Output] {
        self.failures = 0
        var outputs: [Output] = self.state == .empty ? [.beginList, .page(objects)] : [.page(objects)]
        if let token, !token.isEmpty {
            self.state = .listing(token: token)
        } else {
            self.state = .listed(resourceVersion: resourceVersion)
            outputs.append(.endList)
        }
        return outputs
    }

    /// The watch was accepted.
    package mutating func watchOpened() {
        guard case .listed(let version) = self.state else { return }
        self.state = .watching(resourceVersion: version)
    }

    /// An event arrived. `.error` events go to `failed(.status)` instead, and this says so by returning nil.
    package mutating func received(_ event: WatchEvent) -> [Output] {
        self.failures = 0
        switch event {
        case .added(let object), .modified(let object):
            self.advance(to: object.metadata.resourceVersion)
            return [.apply(object)]
        case .deleted(let object):
            self.advance(to: object.metadata.resourceVersion)
            return [.remove(object)]
        case .bookmark(let version, _):
            self.advance(to: version)
            return []
        case .error:
            return []
        }
    }

    /// The server ended the watch in good order (its own timeout): open the next from the same position, at once.
    /// A watch that ends again and again without a word waits like a failure.
    package mutating func closed(afterEvents hadEvents: Bool, using generator: inout some RandomNumberGenerator) -> Duration {
        self.keepPosition()
        guard !hadEvents else { return .zero }
        self.failures += 1
        return self.failures == 1 ? .zero : self.backoff.delay(failures: self.failures - 1, using: &generator)
    }

    /// The question failed. Returns how long to wait before the next step.
    package mutating func failed(_ failure: Failure, using generator: inout some RandomNumberGenerator) -> Duration {
        self.failures += 1
        var delay = self.backoff.delay(failures: self.failures, using: &generator)
        if case .status(let status) = failure {
            if let seconds = status.retryAfterSeconds { delay = max(delay, .seconds(seconds)) }
            if KubeError(status).isGone {
                self.state = .empty
                // The first relist need not wait: the server is well, only our position is old.
                return self.failures == 1 ? .zero : delay
            }
        }
        self.keepPosition()
        return delay
    }

    private mutating func keepPosition() {
        if case .watching(let version) = self.state { self.state = .listed(resourceVersion: version) }
    }

    private mutating func advance(to version: String?) {
        guard let version, case .watching = self.state else { return }
        self.state = .watching(resourceVersion: version)
    }
}

extension KubeError {
    package var isGone: Bool { if case .gone = self { true } else { false } }
}
