import Foundation
import TestKit
import Testing

/// `nice` and systemd's `Nice=` are about a whole process. On Linux every thread has a priority of its own.
@Suite(.timeLimit(.minutes(1))) struct ThreadPriorityTests {
    @Test("the threads that carry connections have the priority the process was given")
    func inherited() async throws {
        let proxy = try StaticProxy()
        try proxy.folder.write(
            "egress.yaml", "workers: 2\nlisteners: [{name: egress, address: 127.0.0.1, port: 0, routes: []}]\nclusters: []\n")
        let arguments = [
            "-n", "3", Repository.program("egret-dp"), "run", "--static-config", proxy.folder.path("egress.yaml"), "--admin-port", "0",
            "--drain-grace", "100ms",
        ]
        try await BackgroundProcess.with("nice", arguments, logFile: proxy.folder.path("log")) { process in
            try await process.line(containing: "Admin server listening")
            let nices = try await eventually("two relay threads") {
                let nices = try Self.nices(of: process.pid, named: "egret-relay")
                return nices.count == 2 ? nices : nil
            }
            let expected = try Self.nices(of: process.pid, named: "egret-dp").max()
            #expect(nices.allSatisfy { $0 == expected } && (expected ?? 0) >= 3)
        }
    }

    /// The nice value of each thread whose name begins so (proc_pid_stat(5), field 19).
    private static func nices(of pid: Int32, named name: String) throws -> [Int] {
        let tasks = "/proc/\(pid)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).compactMap { task in
            let stat = try String(contentsOfFile: "\(tasks)/\(task)/stat", encoding: .utf8)
            guard let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")"), stat[open...].dropFirst().hasPrefix(name)
            else { return nil }
            // Field 3 is the first behind the name.
            return Int(stat[close...].dropFirst(2).split(separator: " ")[19 - 3])
        }
    }
}
