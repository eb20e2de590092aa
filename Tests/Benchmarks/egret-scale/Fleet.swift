import ConfigSync
import CurlTransport
import Foundation
import JSONModel
import Routing
import Store
import Synchronization

/// Proxies that hold a stream each and confirm what they get, and do nothing with it.
final class Fleet: Sendable {
    private struct State {
        /// When each proxy's last table was complete.
        var arrived: [ContinuousClock.Instant?]
        /// The hash of each proxy's last table, and of the last it confirmed.
        var hash: [String]
        var confirmed: [String]
        /// Tables that came since the start, of all proxies.
        var count = 0
        var opened = 0
        var failure: String?
    }

    private let state: Mutex<State>
    private let zone: Zone
    private let cp: ControlPlaneProcess
    private let token: String
    private let transport = CurlTransport()
    private let readers: [Reader]
    private let cuts = Broadcast()

    init(_ zone: Zone, cp: ControlPlaneProcess, readers: Int) async throws {
        self.zone = zone
        self.cp = cp
        self.token = try await cp.zoneToken()
        self.readers = (0..<min(readers, zone.proxies)).map { _ in Reader() }
        let empty = [String](repeating: "", count: zone.proxies)
        self.state = Mutex(State(arrived: Array(repeating: nil, count: zone.proxies), hash: empty, confirmed: empty))
    }

    func run(_ body: @escaping @Sendable (Fleet) async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            for number in 0..<self.zone.proxies { group.addTask { await self.live(number) } }
            group.addTask { try await body(self) }
            // Proxies end only with their task.
            try await group.next()
            group.cancelAll()
        }
    }

    // MARK: One proxy

    private func live(_ number: Int) async {
        while !Task.isCancelled {
            let cut = self.cuts.listen()
            await withTaskGroup { group in
                group.addTask {
                    do {
                        try await self.follow(number)
                    } catch {
                        if !Task.isCancelled { self.state.withLock { $0.failure = "\(error)" } }
                    }
                }
                group.addTask { for await _ in cut { return } }
                await group.next()
                group.cancelAll()
            }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return }
        }
    }

    private func follow(_ number: Int) async throws {
        let (have, confirmed) = self.state.withLock { ($0.hash[number], $0.confirmed[number]) }
        // What could not be said before the stream was lost.
        if have != confirmed { try await self.confirm(number, have) }
        let target = StreamRequest(
            proxyType: .egress, name: self.zone.egress(number), mesh: "", instance: "", have: have.isEmpty ? nil : have
        ).target
        let stream = try await self.transport.stream(self.request("GET", target))
        guard stream.status == 200 else { throw Failed(description: "stream refused: \(stream.status)") }
        self.state.withLock { $0.opened += 1 }
        let reader = number < self.readers.count ? self.readers[number] : nil
        reader?.begin()
        var counter = LineCounter()
        for try await chunk in stream.body {
            for hash in try counter.received(chunk) {
                self.state.withLock { state in
                    state.arrived[number] = .now
                    state.hash[number] = hash
                    state.count += 1
                }
                try await self.confirm(number, hash)
            }
            try reader?.received(chunk)
        }
    }

    private func confirm(_ number: Int, _ hash: String) async throws {
        let body = Acknowledgement(proxyType: .egress, proxy: self.zone.egress(number), mesh: "", hash: hash, errors: [])
        var request = self.request("POST", Acknowledgement.path)
        request.body = Array(try JSON(encoding: body).data)
        request.headers.append(HTTPHeader("content-type", "application/json"))
        let response = try await self.transport.send(request)
        guard response.isSuccess else { throw Failed(description: "confirmation refused: \(response.status) \(response.text)") }
        self.state.withLock { $0.confirmed[number] = hash }
    }

    private func request(_ method: String, _ target: String) -> HTTPRequest {
        HTTPRequest(
            method, self.cp.proxyURL + target,
            headers: [HTTPHeader("authorization", "Bearer \(self.token)"), HTTPHeader("user-agent", "egret-dp/scale")],
            tls: TLSSettings(insecureSkipVerify: true), proxy: .none)
    }

    // MARK: All of them

    var generation: Int { self.state.withLock { $0.count } }

    private func wait(_ what: String, atMost limit: Duration = .seconds(300), until condition: (borrowing State) -> Bool) async throws {
        let end = ContinuousClock.now + limit
        while !self.state.withLock({ condition($0) }) {
            guard ContinuousClock.now < end else {
                throw Failed(description: "\(what) did not happen; last failure: \(self.state.withLock { $0.failure } ?? "none")")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func waitUntilAllHaveSomething() async throws {
        try await self.wait("a table at every proxy") { $0.hash.allSatisfy { !$0.isEmpty } }
    }

    func waitUntilAllConfirmed() async throws {
        try await self.wait("every proxy's confirmation") { $0.hash == $0.confirmed }
    }

    /// When each proxy got one more table than when `generation` was taken, in order.
    func waitForAll(after generation: Int) async throws -> [ContinuousClock.Instant] {
        try await self.wait("a change at every proxy") { $0.count >= generation + self.zone.proxies }
        return self.state.withLock { $0.arrived.compactMap(\.self).sorted() }
    }

    func cutAndReturn() async throws {
        let opened = self.state.withLock { $0.opened }
        self.cuts.tell()
        try await self.wait("every proxy's return") { $0.opened >= opened + self.zone.proxies }
    }

    /// What the readers put together is what they were told it is, and has a route for each service.
    func checkReaders() throws {
        for (number, reader) in self.readers.enumerated() {
            guard let text = reader.text, text.hash == self.state.withLock({ $0.hash[number] }) else {
                throw Failed(description: "proxy \(number) has another table than it confirmed")
            }
            let reading = ConfigReading(text)
            guard reading.errors.isEmpty, reading.config.clusters.count == self.zone.routes else {
                throw Failed(description: "proxy \(number) has \(reading.config.clusters.count) clusters, \(reading.errors.count) errors")
            }
        }
    }
}

/// A proxy that takes its table for real.
final class Reader: Sendable {
    private let state = Mutex((framer: LineFramer(), assembler: ConfigAssembler()))

    func begin() {
        self.state.withLock { state in
            state.framer = LineFramer()
            state.assembler.begin()
        }
    }

    func received(_ chunk: [UInt8]) throws {
        try self.state.withLock { state in
            for line in try state.framer.received(chunk) { _ = try state.assembler.received(line) }
        }
    }

    var text: ConfigText? { self.state.withLock { $0.assembler.current } }
}

/// Sees where messages end, by their first lines.
struct LineCounter {
    private var header: [UInt8] = []
    /// Lines of the message that are still to come, and its hash.
    private var missing = 0
    private var hash = ""

    /// The hashes of configurations that are complete.
    mutating func received(_ chunk: [UInt8]) throws -> [String] {
        var complete: [String] = []
        var rest = chunk[...]
        while let end = rest.firstIndex(of: 0x0A) {
            if self.missing > 0 {
                self.missing -= 1
                if self.missing == 0 { complete.append(self.hash) }
            } else {
                self.header += rest[..<end]
                let json = try JSON(parsing: Data(self.header))
                self.header = []
                if let message = json["snapshot"] ?? json["difference"] {
                    self.missing = message["items"]?.int ?? 0
                    self.hash = message["hash"]?.string ?? ""
                    if self.missing == 0 { complete.append(self.hash) }
                }
            }
            rest = rest[(end + 1)...]
        }
        if self.missing == 0 { self.header += rest }
        return complete
    }
}
