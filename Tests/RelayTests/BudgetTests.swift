import Foundation
import TestKit
import Testing

/// What the relay may use for a piece of work, in counts that no clock and no busy machine changes. `relay-probe` does the work.
/// Counted in sequence, so that each event comes alone: under load one turn of the loop serves many and the numbers fall.
@Suite("Budgets", .serialized, .disabled(if: Sanitizer.isOn, "a sanitizer's own work would be counted"))
struct BudgetTests {
    @Test("a connection allocates nothing, nor does a message or a megabyte")
    func allocations() async throws {
        // Without the optimiser closures live on the heap: some per connection, none where bytes move.
        #if DEBUG
        let perConnection = 20.0
        #else
        let perConnection = 0.0
        #endif
        #expect(try await Probe.allocations(.connections, 200) <= perConnection * 200)
        #expect(try await Probe.allocations(.messages, 500) == 0)
        #expect(try await Probe.allocations(.megabytes, 60) <= 2)
    }

    @Test("system calls are as few as they were", .enabled("strace can't trace here; hack/setup installs it") { await Probe.canTrace })
    func systemCalls() async throws {
        // accept4 (twice, the second finds nobody), recvfrom (peek twice, hello, answer, two ends), getsockopt and connect to free
        // the upstream's socket from its last connection, setsockopt, connect, epoll_ctl for each side, sendto for hello and
        // answer, shutdown and close once, epoll_wait for each event. No socket is made.
        #expect(try await Probe.systemCalls(.connections, 100) <= 25)
        #expect(try await Probe.systemCalls(.connections, 100, of: ["socket"]) <= 0.1)
        // epoll_wait, recvfrom, sendto, each way.
        #expect(try await Probe.systemCalls(.messages, 300) <= 6.2)
        // Into the pipe and out of it, a part of a megabyte at once.
        #expect(try await Probe.systemCalls(.megabytes, 60) <= 10)
    }

    @Test("instructions are as few as they were", .enabled("valgrind doesn't run here; hack/setup installs it") { await Probe.canCount })
    func instructions() async throws {
        // Most of the difference is what the optimiser takes away.
        #if DEBUG
        let perConnection = 300_000
        #else
        let perConnection = 14_000
        #endif
        #expect(try await Probe.instructions(.connections) <= perConnection)
    }
}

private enum Probe {
    enum Work: String { case connections, messages, megabytes }

    static let program = Repository.program("relay-probe")

    static func allocations(_ work: Work, _ count: Int) async throws -> Double {
        let output = try await Command.output(self.program, [work.rawValue, "\(count)"])
        return try #require(Double(output.split(separator: " ").last?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""))
    }

    static var canTrace: Bool {
        get async { (try? await Command.run("strace", ["-f", "-o", "/dev/null", "true"]).status) == 0 }
    }

    /// Of the worker's thread, per piece of work.
    static func systemCalls(_ work: Work, _ count: Int, of names: [String]? = nil) async throws -> Double {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("relay-\(UUID().uuidString).strace")
        defer { try? FileManager.default.removeItem(at: file) }
        _ = try await Command.output("strace", ["-f", "-o", file.path, self.program, work.rawValue, "\(count)"])
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let begin = try #require(lines.firstIndex { $0.contains("/egret-probe/begin") })
        let end = try #require(lines.firstIndex { $0.contains("/egret-probe/end") })
        let accepting = try #require(lines.first { $0.contains(" accept4(") })
        let thread = accepting.prefix { $0.isNumber } + " "
        let calls = lines[begin..<end].filter { line in
            // prctl is what counting allocations costs.
            line.hasPrefix(thread) && !line.contains(" resumed>") && !line.contains(" prctl(")
                && names?.contains { line.contains(" \($0)(") } ?? true
        }
        return Double(calls.count) / Double(count)
    }

    static var canCount: Bool {
        get async { (try? await Command.run("valgrind", ["--tool=none", "true"]).status) == 0 }
    }

    /// In the worker's loop, per piece of work: the difference of a long run and a short one. Valgrind can't read every
    /// compiler's debug information and needs none, so it gets a copy without.
    static func instructions(_ work: Work) async throws -> Int {
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("relay-probe-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: copy) }
        _ = try await Command.output("strip", ["--strip-debug", "-o", copy, self.program])
        let short = try await self.collected(copy, work, 10)
        let long = try await self.collected(copy, work, 30)
        return (long - short) / 20
    }

    private static func collected(_ program: String, _ work: Work, _ count: Int) async throws -> Int {
        let result = try await Command.run(
            "valgrind",
            [
                "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=$s5Relay6WorkerV3runyyF", program, work.rawValue,
                "\(count)",
            ])
        let line = try #require(result.errors.split(separator: "\n").first { $0.contains("Collected : ") }, "\(result)")
        return try #require(Int(line.components(separatedBy: "Collected : ")[1].trimmingCharacters(in: .whitespaces)))
    }
}
