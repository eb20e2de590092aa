import ArgumentParser
import CLinux
import Glibc

/// `egret-bench load WORK …`: sends traffic through a proxy that is running and prints what it cost.
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Send traffic through a proxy and print one line of JSON.")

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case connections, pingpong, idle, handshakes, paced
        case bulkDown = "bulk-down"
        case bulkUp = "bulk-up"
        case tlsDown = "tls-down"
        case tlsUp = "tls-up"
    }

    @Argument(help: "What kind of traffic.") var work: Kind
    @Option(help: "The proxy's port on 127.0.0.1.") var proxy: UInt16
    @Option(help: "The port on 127.0.0.1 where the proxy expects the backend.") var backend: UInt16
    @Option(help: "The proxy's processes, whose processor time and memory count.") var pid: [Int] = []
    @Option(help: "Seconds to measure.") var seconds = 2.0
    @Option(help: "Seconds of the same load ahead of it.") var warmup = 0.5
    @Option(help: "Connections at a time, or streams, or standing connections.") var connections = 64
    @Option(help: "End after as many units or the first failure.") var total: Int?
    @Option(help: "Server name; * stands for a number below --names.") var name = "backend.example.test"
    @Option(help: "How many server names to use in turn.") var names = 1
    @Option(help: "PEM file of the client's certificate.") var certificate: String?
    @Option(help: "PEM file of its key.") var key: String?

    func run() throws {
        let ends = try Ends(proxyPort: self.proxy, backendPort: self.backend)
        let driver = Driver(warmup: self.warmup, seconds: self.seconds, total: self.total, proxy: self.pid)
        print(try self.measure(driver, ends).json)
    }

    private func measure(_ driver: Driver, _ ends: borrowing Ends) throws -> Measurement {
        switch self.work {
        case .connections:
            var work = Connections(hellos: self.hellos, concurrency: self.connections)
            return driver.run(&work, ends)
        case .pingpong:
            var work = PingPong(hellos: self.hellos, connections: self.connections, limit: ends.limit)
            var measurement = driver.run(&work, ends)
            measurement.extra = work.latencies.summary
            return measurement
        case .paced:
            var work = Paced(hellos: self.hellos, standing: self.connections, limit: ends.limit)
            var measurement = driver.run(&work, ends)
            measurement.extra = work.latencies.summary
            return measurement
        case .bulkDown, .bulkUp:
            var work = Bulk(
                hellos: self.hellos, streams: self.connections, direction: self.work == .bulkDown ? .toClient : .fromClient,
                source: try Source(), limit: ends.limit)
            return driver.run(&work, ends)
        case .handshakes:
            var work = Handshakes(clients: try self.clients(), concurrency: self.connections, limit: ends.limit)
            return driver.run(&work, ends)
        case .tlsDown, .tlsUp:
            var work = TLSBulk(
                clients: try self.clients(), streams: self.connections, direction: self.work == .tlsDown ? .toClient : .fromClient,
                source: try Source(), limit: ends.limit)
            return driver.run(&work, ends)
        case .idle: return self.idle(driver, ends)
        }
    }

    /// Memory with the connections open, less memory after a few were there and went: code and buffers that any traffic needs
    /// are no cost of a connection.
    private func idle(_ driver: Driver, _ ends: borrowing Ends) -> Measurement {
        var driver = driver
        driver.warmup = 0
        driver.seconds = 60
        driver.total = min(100, self.connections)
        var first = Idle(hellos: self.hellos, connections: min(100, self.connections))
        _ = driver.run(&first, ends)
        first.closeAll(ends)
        self.settle(ends)
        let before = self.pid.reduce(0) { $0 + residentBytes(of: $1) }
        var work = Idle(hellos: self.hellos, connections: self.connections)
        driver.total = self.connections
        var measurement = driver.run(&work, ends)
        self.settle(ends)
        let after = self.pid.reduce(0) { $0 + residentBytes(of: $1) }
        measurement.extra = [
            ("residentBefore", Double(before)), ("residentAfter", Double(after)),
            ("perConnection", Double(after - before) / Double(max(1, measurement.units))),
        ]
        return measurement
    }

    /// Serves the backend's side for a second without a word from the clients.
    private func settle(_ ends: borrowing Ends) {
        var nothing = Idle(hellos: self.hellos, connections: 0)
        _ = Driver(warmup: 0, seconds: 1, total: nil, proxy: []).run(&nothing, ends)
    }

    private var hellos: Hellos { Hellos(name: self.name, count: max(1, self.names)) }

    private func clients() throws -> TLSClients {
        try TLSClients(certificate: self.certificate, key: self.key, serverName: self.name)
    }
}

extension Latencies {
    fileprivate var summary: [(name: String, value: Double)] {
        [
            ("p50", self.quantile(0.5)), ("p99", self.quantile(0.99)), ("p999", self.quantile(0.999)),
            ("longest", Double(self.longest) / 1000),
        ]
    }
}
