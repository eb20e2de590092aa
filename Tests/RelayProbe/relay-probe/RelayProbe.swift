import CAllocationCount
import Glibc
import Logging
import Relay
import Routing

/// Runs one piece of work through a relay engine, one thing after the other, to be counted from outside: system calls by
/// strace, instructions by callgrind, allocations by the malloc it is linked with.
///
///     relay-probe connections COUNT     hello, one exchange, close
///     relay-probe messages COUNT        64 bytes there and back, on one connection
///     relay-probe megabytes COUNT       from the upstream, on one connection
///
/// The work stands between looks at two files that don't exist, /egret-probe/begin and /egret-probe/end, where a trace shows it.
/// The last line says what was allocated on the worker's thread in between.
@main
struct RelayProbe {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let work = Work(rawValue: arguments[1]), let count = Int(arguments[2]) else {
            print("usage: relay-probe connections|messages|megabytes COUNT")
            exit(64)
        }
        let upstream = Upstream()
        upstream.start()
        let client = Client(port: try Self.start(upstream: upstream.port))
        // What is made once is made by then.
        for _ in 0..<20 { client.exchange() }
        work.prepare(client)
        access("/egret-probe/begin", F_OK)
        let before = allocation_count()
        work.run(client, count)
        let allocations = allocation_count() - before
        access("/egret-probe/end", F_OK)
        print("allocations \(allocations)")
        exit(0)
    }

    /// Starts an engine and returns its port.
    private static func start(upstream port: UInt16) throws -> UInt16 {
        var options = RelayOptions()
        options.workers = 1
        options.recordAllowed = false
        var logger = Logger(label: "probe")
        logger.logLevel = .error
        let engine = try RelayEngine(options: options, handoff: NoHandoff(), records: NoRecords(), logger: logger)
        try engine.start()
        let route = Route(sni: ["*.example.test"], action: .passthrough(cluster: "upstream"), origin: "probe")
        let config = ProxyConfig(
            listeners: [Listener(name: "probe", address: "127.0.0.1", port: 0, kind: .sni(routes: [route]))],
            clusters: [Cluster(name: "upstream", endpoints: [Endpoint(address: "127.0.0.1", port: port)])])
        // Not an asynchronous main: under callgrind the main thread has to stay.
        let applied = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        sem_init(applied, 0, 0)
        nonisolated(unsafe) let isApplied = applied
        Task {
            for error in await engine.apply(config) { print(error) }
            sem_post(isApplied)
        }
        sem_wait(applied)
        return engine.boundListeners[0].address.port
    }
}

enum Work: String {
    case connections, messages, megabytes

    func prepare(_ client: Client) {
        if self != .connections { client.open() }
        // Long enough for the relay to know that much is coming.
        if self == .megabytes { client.pull(megabytes: 8) }
        if self == .messages { for _ in 0..<10 { client.ping() } }
    }

    func run(_ client: Client, _ count: Int) {
        switch self {
        case .connections: for _ in 0..<count { client.exchange() }
        case .messages: for _ in 0..<count { client.ping() }
        case .megabytes: client.pull(megabytes: count)
        }
    }
}

struct NoHandoff: ConnectionHandoff {
    func take(_ connection: HandedConnection) { fatalError("nothing here ends TLS") }
    func recheck(_ id: ConnectionID, callers: CallerRules) {}
    func close(_ id: ConnectionID, reason: CloseReason) {}
}

struct NoRecords: ConnectionRecordSink {
    func record(_ record: ConnectionRecord) {}
}
