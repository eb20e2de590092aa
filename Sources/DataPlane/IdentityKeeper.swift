import ConfigSync
import FoundationEssentials
import Identity
import Logging
import Routing
import Synchronization
import TLSRelay
import X509

/// Holds a valid certificate for every identity the configuration asks for: makes a key, has it signed, and does so again
/// when 4/5 of the certificate's life are over. Open connections never notice.
final class IdentityKeeper: IdentitySource {
    struct Entry: Sendable {
        /// What to ask for; the SPIFFE id first.
        var names: [String]
        /// Which authority the control plane signs with, as it says.
        var authority: String?
        /// When to ask next.
        var next: Date
        var failures = 0
        /// What is served, leaf first; empty before the first.
        var chain: [Certificate] = []
        /// The same with its key, to be kept for a restart; nil where keys are not kept.
        var saved: StateFolder.Identity?
        var spiffeID: String { self.names.first ?? "" }
        /// When the served certificate ends; nil before the first.
        var notAfter: Date? { self.chain.first?.notValidAfter }
        /// Why the last request failed.
        var problem: String?
    }

    struct State: Sendable {
        var entries: [String: Entry] = [:]
        var changes = 0
    }

    /// Seconds over which proxies spread their requests when the authority changes.
    private static let spread = 2.0

    private let client: ControlPlaneClient
    private let credentials: TLSCredentials
    private let logger: Logger
    private let state = Watched(State())
    /// Keeps keys for a restart; nil where they are not.
    private let keeper: StateKeeper?
    /// Of the process before, by mesh, until they are wanted.
    private let restored: Mutex<[String: StateFolder.Identity]>

    /// - Parameter restored: what served before a restart.
    init(
        client: ControlPlaneClient, credentials: TLSCredentials, keeper: StateKeeper? = nil, restored: [StateFolder.Identity] = [],
        logger: Logger
    ) {
        self.client = client
        self.credentials = credentials
        self.keeper = keeper
        self.restored = Mutex(Dictionary(restored.map { ($0.mesh, $0) }, uniquingKeysWith: { first, _ in first }))
        self.logger = logger
    }

    /// Keeps exactly these from now on.
    func want(_ requests: [IdentityRequest]) {
        let now = Date()
        let adopted = self.adopt(requests, now: now)
        let dropped = self.state.update { state in
            let wanted = Dictionary(requests.map { ($0.mesh, $0) }, uniquingKeysWith: { first, _ in first })
            let dropped = state.entries.keys.filter { wanted[$0] == nil }
            for mesh in dropped { state.entries[mesh] = nil }
            for (mesh, request) in wanted {
                if let known = state.entries[mesh], known.spiffeID == request.spiffeID {
                    guard known.authority != request.authority || known.names != request.names else { continue }
                    // The certificate of the other authority, or of other tags, serves on until the new one is there. Not all
                    // proxies at once.
                    state.entries[mesh]?.authority = request.authority
                    state.entries[mesh]?.names = request.names
                    state.entries[mesh]?.next = now + .random(in: 0...Self.spread)
                } else {
                    state.entries[mesh] =
                        adopted[mesh] ?? Entry(names: request.names, authority: request.authority, next: now)
                }
                state.changes += 1
            }
            return dropped
        }
        for mesh in dropped { self.credentials.removeIdentity(mesh: mesh) }
        if !dropped.isEmpty { self.save() }
    }

    /// Puts certificates of the process before into service. Fresh ones are asked for soon all the same: the authority may have
    /// changed meanwhile.
    private func adopt(_ requests: [IdentityRequest], now: Date) -> [String: Entry] {
        var adopted: [String: Entry] = [:]
        for request in requests {
            guard let saved = self.restored.withLock({ $0.removeValue(forKey: request.mesh) }), saved.spiffeID == request.spiffeID else {
                continue
            }
            do {
                let chain = try Certificate.bundle(pem: saved.chain, what: "the saved certificate")
                guard chain[0].notValidAfter > now else { continue }
                try self.credentials.setIdentity(mesh: saved.mesh, chainPEM: saved.chain, keyPEM: saved.key)
                adopted[saved.mesh] = Entry(
                    names: request.names, authority: request.authority, next: now + .random(in: 1..<5), chain: chain, saved: saved)
                self.logger.info(
                    "Certificate of before the restart in use",
                    metadata: [
                        "mesh.name": "\(saved.mesh)", "spiffe.id": "\(saved.spiffeID)",
                        "cert.until": "\(chain[0].notValidAfter.formatted(.iso8601))",
                    ])
            } catch {
                self.logger.warning(
                    "A saved certificate cannot be used; asking for a new one",
                    metadata: ["mesh.name": "\(saved.mesh)", "reason": "\(error)"])
            }
        }
        return adopted
    }

    private func save() {
        guard let keeper = self.keeper else { return }
        keeper.keep(self.state.value.entries.sorted { $0.key < $1.key }.compactMap(\.value.saved))
    }

    /// Returns when every identity is there, or the time is over.
    func waitUntilReady(atMost limit: Duration) async {
        _ = await self.state.wait(atMost: limit) { $0.entries.values.allSatisfy { $0.notAfter != nil } }
    }

    func waitUntilTried(atMost limit: Duration) async {
        _ = await self.state.wait(atMost: limit) { $0.entries.values.allSatisfy { $0.notAfter != nil || $0.failures > 0 } }
    }

    /// What is missing now.
    var errors: [ItemError] {
        self.state.value.entries.sorted { $0.key < $1.key }.compactMap { mesh, entry in
            guard entry.notAfter.map({ $0 <= Date() }) ?? true else { return nil }
            return ItemError(item: "identity \(mesh)", message: entry.problem ?? "the certificate has not been signed yet")
        }
    }

    var certificates: [(mesh: String, chain: [Certificate])] {
        self.state.value.entries.filter { !$0.value.chain.isEmpty }.map { (mesh: $0.key, chain: $0.value.chain) }
            .sorted { $0.mesh < $1.mesh }
    }

    /// Until cancelled.
    func run() async {
        while !Task.isCancelled {
            let now = Date()
            let state = self.state.value
            let due = state.entries.filter { $0.value.next <= now }
            if due.isEmpty {
                // Looked at hourly at least: clocks may be set.
                let next = state.entries.values.map(\.next).min() ?? .distantFuture
                let pause = Duration.seconds(min(next.timeIntervalSince(now), 3600))
                _ = await self.state.wait(atMost: pause) { $0.changes != state.changes }
            } else {
                await withDiscardingTaskGroup { group in
                    for (mesh, entry) in due { group.addTask { await self.renew(mesh, entry) } }
                }
            }
        }
    }

    private func renew(_ mesh: String, _ entry: Entry) async {
        do {
            let key = ProxyKey()
            let holder = Holder(type: self.client.options.proxyType.rawValue, name: self.client.options.name)
            let request = key.signingRequest(names: entry.names, holder: holder)
            let chain = try await self.client.certificate(mesh: mesh, csr: request)
            let certificates = try Certificate.bundle(pem: chain, what: "the signed certificate")
            let leaf = certificates[0]
            try self.credentials.setIdentity(mesh: mesh, chainPEM: chain, keyPEM: key.pem)
            let next = Renewal.date(of: leaf, jitter: .random(in: 0..<1))
            // The control plane's clock may be behind or its certificates very short: never ask in a tight loop.
            self.update(mesh, entry) {
                // Unless another one is wanted by now: then it is asked soon, as planned.
                if $0.authority == entry.authority, $0.names == entry.names { $0.next = max(next, Date() + 1) }
                $0.failures = 0
                $0.chain = certificates
                $0.problem = nil
                if self.keeper != nil {
                    $0.saved = .init(mesh: mesh, spiffeID: entry.spiffeID, chain: chain, key: key.pem)
                }
            }
            self.save()
            self.logger.info(
                entry.notAfter == nil ? "Certificate received" : "Certificate renewed",
                metadata: [
                    "mesh.name": "\(mesh)", "spiffe.id": "\(entry.spiffeID)", "cert.until": "\(leaf.notValidAfter.formatted(.iso8601))",
                    "cert.renewal": "\(next.formatted(.iso8601))",
                ])
        } catch is CancellationError {
            return
        } catch {
            if Task.isCancelled { return }
            let sentence = "no certificate for \(entry.spiffeID): \(error)"
            let pause = min(Double(1 << min(entry.failures, 5)), 30) * .random(in: 0.5...1)
            self.update(mesh, entry) {
                $0.next = Date() + pause
                $0.failures += 1
                $0.problem = sentence
            }
            // Once per cause: the acknowledgement and the metric keep telling.
            if entry.problem != sentence {
                self.logger.warning(
                    "Could not get a certificate; trying again",
                    metadata: ["mesh.name": "\(mesh)", "spiffe.id": "\(entry.spiffeID)", "cause": "\(error)"])
            }
        }
    }

    private func update(_ mesh: String, _ entry: Entry, _ change: (inout Entry) -> Void) {
        self.state.update { state in
            guard var current = state.entries[mesh], current.spiffeID == entry.spiffeID else { return }
            change(&current)
            state.entries[mesh] = current
        }
    }
}
