import CurlTransport
import FoundationEssentials
import Glibc
import Synchronization
import SystemPackage
import Testing

@testable import DevNode

/// Real programs in real sandboxes.
@Suite(.timeLimit(.minutes(1)), .enabled("this machine allows no sandboxes", { await SandboxProcess.problem() == nil }))
struct SandboxProcessTests {
    private final class Folder: Sendable {
        let path = "/tmp/egret-node-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        init() throws { try FileManager.default.createDirectory(atPath: self.path + "/etc", withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: self.path) }
    }

    private func shell(_ script: String, in folder: Folder, binds: [SandboxCommand.Bind] = []) -> SandboxCommand {
        SandboxCommand(
            host: .current(), program: "/bin/sh", hostsFolder: folder.path + "/etc", binds: binds, workingDirectory: nil, command: [],
            arguments: ["-c", script])
    }

    private func run(_ command: SandboxCommand, in folder: Folder, started: @escaping @Sendable (Int32) -> Void = { _ in }) async throws
        -> (
            DevNode.ExitStatus, String
        )
    {
        let log = folder.path + "/log"
        let status = try await SandboxProcess.run(
            Sandbox(command: command, environment: ["PATH": "/usr/bin:/bin", "GREETING": "hello"]), log: FilePath(log), started: started)
        return (status, try String(contentsOfFile: log, encoding: .utf8))
    }

    @Test("a program has its environment, its own first process and no host files beyond the shown ones")
    func sees() async throws {
        let folder = try Folder()
        let script = "echo $GREETING; ls /home /etc/shadow 2>/dev/null; ls -d /proc/[0-9]* | wc -l; echo oops >&2; exit 3"
        let (status, output) = try await self.run(self.shell(script, in: folder), in: folder)
        #expect(status == .exited(3))
        let lines = output.split(separator: "\n").map(String.init)
        #expect(lines.first == "hello")
        #expect(lines.last == "oops")
        #expect(lines.count == 3)
        #expect(Int(lines[1]) ?? 99 < 9, "only the sandbox's own processes")
    }

    @Test("hosts and volumes change under a running program in one step")
    func live() async throws {
        let folder = try Folder()
        let folders = PodFolders(dataDirectory: folder.path, namespace: "n", name: "p", uid: "u")
        try folders.writeHosts("127.10.0.1\tfirst\n")
        let volume = folder.path + "/volume"
        try FileManager.default.createDirectory(atPath: volume, withIntermediateDirectories: true)
        var files = AtomicFolder(volume)
        try files.write(["a": VolumeFile(bytes: Array("1\n".utf8), mode: 0o444), "deep/b": VolumeFile(bytes: [], mode: 0o400)])
        let ready = folder.path + "/ready"
        try FileManager.default.createDirectory(atPath: ready, withIntermediateDirectories: true)
        let script = """
            cat /etc/hosts /var/run/v/a; touch /ready/now
            until [ -e /ready/go ]; do sleep 0.02; done
            cat /etc/hosts /var/run/v/a; ls /var/run/v; touch /var/run/v/x || echo read-only
            """
        var command = self.shell(
            script, in: folder,
            binds: [.init(source: volume, target: "/var/run/v", readOnly: true), .init(source: ready, target: "/ready", readOnly: false)])
        command.hostsFolder = folders.etc
        async let result = self.run(command, in: folder)
        while !FileManager.default.fileExists(atPath: ready + "/now") { try await Task.sleep(for: .milliseconds(10)) }
        try folders.writeHosts("127.10.0.1\tsecond\n")
        #expect(try files.write(["a": VolumeFile(bytes: Array("2\n".utf8), mode: 0o444), "c": VolumeFile(bytes: [], mode: 0o444)]))
        #expect(try !files.write(["a": VolumeFile(bytes: Array("2\n".utf8), mode: 0o444), "c": VolumeFile(bytes: [], mode: 0o444)]))
        #expect(FileManager.default.createFile(atPath: ready + "/go", contents: nil))
        let output = try await result.1.split(separator: "\n").filter { !$0.hasPrefix("touch:") }
        #expect(output == ["127.10.0.1\tfirst", "1", "127.10.0.1\tsecond", "2", "a", "c", "read-only"])
    }

    @Test("a program is asked to stop itself, not the sandbox around it")
    func terminates() async throws {
        let folder = try Folder()
        let script = "trap 'echo bye; exit 7' TERM; while :; do sleep 0.02; done"
        let (pids, pid) = AsyncStream.makeStream(of: Int32.self)
        async let result = self.run(self.shell(script, in: folder), in: folder) { pid.yield($0) }
        let process = try #require(await pids.first { _ in true })
        while self.isEarly(process) { try await Task.sleep(for: .milliseconds(5)) }
        await SandboxProcess.terminate(process)
        let (status, output) = try await result
        #expect(status == .exited(7))
        #expect(output == "bye\n")
    }

    /// Whether the program has not yet started its first child, which its trap precedes.
    private func isEarly(_ process: Int32) -> Bool {
        guard let program = SandboxProcess.program(of: process) else { return true }
        let children = try? String(contentsOfFile: "/proc/\(program)/task/\(program)/children", encoding: .utf8)
        return children?.isEmpty ?? true
    }

    @Test("killing the sandbox ends everything in it, also what has gone to the background")
    func kills() async throws {
        let folder = try Folder()
        let (pids, pid) = AsyncStream.makeStream(of: Int32.self)
        let marker = "61.\(UInt32.random(in: 0..<1_000_000))"
        async let result = self.run(self.shell("setsid sleep \(marker) & sleep \(marker)", in: folder), in: folder) { pid.yield($0) }
        let process = try #require(await pids.first { _ in true })
        while self.count(marker) < 2 { try await Task.sleep(for: .milliseconds(10)) }
        SandboxProcess.kill(process)
        #expect(try await result.0 == .signaled(9))
        while self.count(marker) > 0 { try await Task.sleep(for: .milliseconds(10)) }
    }

    @Test("a command check runs beside the container, with its files, and within its time")
    func checks() async throws {
        let folder = try Folder()
        let prober = Prober(transport: CurlTransport(), address: "127.0.0.1")
        let sandbox = Sandbox(
            command: self.shell("unused", in: folder, binds: [.init(source: folder.path, target: "/data", readOnly: false)]),
            environment: ["PATH": "/usr/bin:/bin"])
        #expect(await prober.ask(.exec(["touch", "/data/seen"]), timeout: .seconds(10), sandbox: sandbox))
        #expect(FileManager.default.fileExists(atPath: folder.path + "/seen"))
        #expect(await !prober.ask(.exec(["test", "-e", "/data/unseen"]), timeout: .seconds(10), sandbox: sandbox))
        #expect(await !prober.ask(.exec(["sleep", "60"]), timeout: .milliseconds(50), sandbox: sandbox))
    }

    @Test("cancelling ends the program")
    func cancels() async throws {
        let folder = try Folder()
        let marker = "62.\(UInt32.random(in: 0..<1_000_000))"
        let command = self.shell("sleep \(marker)", in: folder)
        try await withThrowingTaskGroup { group in
            group.addTask { _ = try await self.run(command, in: folder) }
            while self.count(marker) < 1 { try await Task.sleep(for: .milliseconds(10)) }
            group.cancelAll()
            _ = await group.nextResult()
        }
        while self.count(marker) > 0 { try await Task.sleep(for: .milliseconds(10)) }
    }

    /// Processes that sleep for so long.
    private func count(_ marker: String) -> Int {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.filter { Int($0) != nil }.count { process in
            let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            return String(decoding: line, as: UTF8.self) == "sleep\0\(marker)\0"
        }
    }
}
