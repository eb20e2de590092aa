import Foundation
import TestKit
import Testing

/// A running `egret-dp` that obeys a file, with what the system knows of its process.
struct WatchedProxy: Sendable {
    let process: BackgroundProcess
    let pid: Int32
    let admin: String
    let file: String
    /// In a network of its own, where only `inNetwork` reaches it.
    let isApart: Bool

    /// Runs `body` beside a proxy with this configuration.
    /// - Parameter limits: Shell commands before it starts: `ulimit -n 80`.
    static func with<Value: Sendable>(
        _ config: String, limits: String = "true", apart: String? = nil, arguments: [String] = [], folder: TestFolder? = nil,
        name: String = "egress",
        _ body: @escaping @Sendable (WatchedProxy) async throws -> Value
    ) async throws -> Value {
        let folder = try folder ?? TestFolder(ca: "", token: "")
        let file = folder.path("\(name).yaml")
        if !config.isEmpty { try folder.write("\(name).yaml", config) }
        // The shell stays, to say how it ended; and passes on that it shall end.
        let network = apart.map { "unshare --net sh -c 'ip link set lo up && \($0) && exec \"$0\" \"$@\"' " } ?? ""
        let script = """
            \(limits) || exit 3
            \(network)"$0" "$@" & pid=$!
            trap 'kill -TERM $pid; kill -TERM $pid; wait $pid' TERM
            echo "pid $pid."
            while :; do wait $pid; status=$?; kill -0 $pid 2>/dev/null || break; done
            echo "exit status $status."
            """
        let flags = ["run", "--proxy-type", "egress", "--static-config", file, "--drain-grace", "100ms"]
        return try await BackgroundProcess.with(
            "sh", ["-c", script, Repository.program("egret-dp")] + flags + arguments, logFile: folder.path("\(name).log")
        ) { process in
            let pid = try #require(Int32(try await process.line(containing: "pid ").filter(\.isNumber)))
            let line = try await process.line(containing: "Admin server listening")
            let address = line.components(separatedBy: "admin.address=")[1].trimmingCharacters(in: .whitespaces)
            let proxy = WatchedProxy(process: process, pid: pid, admin: "http://\(address)", file: file, isApart: apart != nil)
            try await eventually("/ready is 200", every: .milliseconds(20)) { try await proxy.get("/ready").status == 200 ? true : nil }
            let value = try await body(proxy)
            // Twice: at once.
            kill(pid, SIGTERM)
            kill(pid, SIGTERM)
            return value
        }
    }

    func get(_ path: String) async throws -> (status: Int, text: String) {
        let network = self.isApart ? ["nsenter", "--net=/proc/\(self.pid)/ns/net"] : []
        let line = network + ["curl", "-s", "--max-time", "5", "-w", "\n%{http_code}", self.admin + path]
        let output = try await Command.run(line[0], Array(line.dropFirst())).output
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
    }

    /// Runs blocking work on a thread in the proxy's network.
    func inNetwork<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        let path = "/proc/\(self.pid)/ns/net"
        return try await onThread {
            let network = open(path, O_RDONLY)
            defer { close(network) }
            // Not among what Swift knows of the C library.
            typealias SetNamespace = @convention(c) (Int32, Int32) -> Int32
            let setns = unsafeBitCast(dlsym(nil, "setns"), to: SetNamespace.self)
            guard network >= 0, setns(network, 0) == 0 else { throw SocketError(number: errno) }
            return try body()
        }
    }

    /// Whether this machine lets a test make networks and memory groups.
    static let mayUnshare = geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare")

    /// What `/ready` answers now; nil where nobody answers. Blocks.
    var readyStatus: Int? {
        guard let port = self.admin.split(separator: ":").last.flatMap({ UInt16($0) }), let socket = try? TestSocket.connect(port: port),
            (try? socket.send(Array("GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8))) != nil,
            let answer = try? socket.receiveToEnd()
        else { return nil }
        return Int(String(decoding: answer, as: UTF8.self).split(separator: " ").dropFirst().first ?? "")
    }

    func refused(_ reason: String) async throws -> Int {
        let series = "egret_connections_total{verdict=\"refused\",reason=\"\(reason)\"} "
        let line = try await self.get("/metrics").text.split(separator: "\n").first { $0.hasPrefix(series) }
        return line.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
    }

    func active() async throws -> Int {
        let line = try await self.get("/metrics").text.split(separator: "\n").first { $0.hasPrefix("egret_active_connections ") }
        return line.flatMap { Int($0.split(separator: " ").last ?? "") } ?? -1
    }

    /// The port of a listener whose configuration leaves the choice to the kernel.
    func port(of listener: String = "egress") async throws -> UInt16 {
        let line = try await self.process.line(containing: "listener=\(listener) ")
        let address = line.components(separatedBy: "listener.address=")[1].prefix { !$0.isWhitespace }
        return try #require(UInt16(address.split(separator: ":").last ?? ""))
    }

    /// Resident bytes.
    var residentBytes: Int { self.pages(1) * Int(sysconf(Int32(_SC_PAGESIZE))) }

    /// Bytes of its address space that are taken, used or not.
    var addressBytes: Int { self.pages(0) * Int(sysconf(Int32(_SC_PAGESIZE))) }

    private func pages(_ field: Int) -> Int {
        let fields = (try? String(contentsOfFile: "/proc/\(self.pid)/statm", encoding: .utf8))?.split(separator: " ") ?? []
        return fields.count > field ? Int(fields[field]) ?? 0 : 0
    }

    /// Seconds of processor time it has taken.
    var processorSeconds: Double {
        let text = (try? String(contentsOfFile: "/proc/\(self.pid)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 12 ? ((Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)) / Double(sysconf(Int32(_SC_CLK_TCK))) : 0
    }

    var openFiles: Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(self.pid)/fd").count) ?? 0 }

    /// A listener on loopback that passes everything through to one port.
    static func passthrough(to port: UInt16, more: String = "", workers: Int = 2) -> String {
        """
        admin: {address: 127.0.0.1, port: 0}
        workers: \(workers)
        listeners:
          - {name: egress, address: 127.0.0.1, port: 0, routes: [{sni: ["*"], passthrough: {cluster: c}}]}
        clusters:
          - {name: c, endpoints: [{address: 127.0.0.1, port: \(port)}]}
        \(more)
        """
    }
}

/// A client whose hello is passed through to an echo.
enum EchoClient {
    static let hello = HelloBuilder(serverName: "a.test").records()
    /// A fatal unrecognized_name: what a client is told that is turned away.
    static let alert: [UInt8] = [21, 3, 3, 0, 2, 2, 112]

    /// Connects, and returns what came back for the hello with the socket.
    static func open(_ port: UInt16, address: String = "127.0.0.1") throws -> (socket: TestSocket, answer: [UInt8]) {
        let socket = try TestSocket.connect(port: port, address: address)
        try socket.send(Self.hello)
        var answer: [UInt8] = []
        // A refusal is shorter than the hello, and may end in a reset.
        while answer.count < Self.hello.count, let part = try? socket.receive(upTo: Self.hello.count - answer.count), !part.isEmpty {
            answer += part
        }
        return (socket, answer)
    }

    static func isServed(_ socket: TestSocket) -> Bool {
        (try? socket.send([1, 2, 3])) != nil && (try? socket.receive(exactly: 3)) == [1, 2, 3]
    }
}
