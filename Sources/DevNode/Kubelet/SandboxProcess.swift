import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage

/// How a container is run.
struct Sandbox: Hashable, Sendable {
    var command: SandboxCommand
    /// All of it: nothing of ours is passed on.
    var environment: [String: String]

    var variables: [Environment.Key: String] {
        Dictionary(uniqueKeysWithValues: self.environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) })
    }
}

/// Runs one sandboxed program and signals it.
///
/// bwrap asks the kernel to kill it when the thread that started it ends (`--die-with-parent`). swift-subprocess starts
/// every child from one thread that lives as long as this process, so that is exactly when we end.
enum SandboxProcess {
    static let bwrap = "/usr/bin/bwrap"

    /// Why no sandbox can be made on this machine, and what to do; nil where one can.
    static func problem() async -> String? {
        guard FileManager.default.isExecutableFile(atPath: Self.bwrap) else {
            return "\(Self.bwrap) is missing; install bubblewrap (apt-get install bubblewrap)"
        }
        let trial: [String] = ["--unshare-pid", "--unshare-ipc", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]
        let result = try? await Subprocess.run(
            .path(FilePath(Self.bwrap)), arguments: Arguments(trial), output: .discarded, error: .string(limit: 4096))
        guard let result else { return "\(Self.bwrap) cannot be run" }
        guard !result.terminationStatus.isSuccess else { return nil }
        let said = result.standardError.split(separator: "\n").last.map(String.init) ?? "\(result.terminationStatus)"
        return """
            pods cannot have a sandbox of their own here (\(said)); allow namespaces: run as root, set kernel.unprivileged_userns_clone=1, or \
            in a container add --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined
            """
    }

    /// Returns when the program has ended and nothing of its sandbox runs any more. Cancelling kills it.
    /// - Parameter log: a file that takes both outputs; the program writes to it directly.
    static func run(
        _ sandbox: Sandbox, log: FilePath, started: @Sendable (Int32) -> Void
    ) async throws -> ExitStatus {
        let descriptor = try FileDescriptor.open(
            log, .writeOnly, options: [.create, .append, .closeOnExec], permissions: FilePermissions(rawValue: 0o644))
        let result = try await Subprocess.run(
            .path(FilePath(Self.bwrap)), arguments: Arguments(sandbox.command.line), environment: .custom(sandbox.variables), input: .none,
            output: .fileDescriptor(descriptor, closeAfterSpawningProcess: true), error: .combinedWithOutput
        ) { execution in
            started(execution.processIdentifier.value)
        }
        switch result.terminationStatus {
        // bwrap reports a signal as shells do.
        case .exited(let code) where code > 128: return .signaled(Int(code) - 128)
        case .exited(let code): return .exited(Int(code))
        case .signaled(let signal): return .signaled(Int(signal))
        }
    }

    /// Asks the program to stop. The signal must reach the program itself: bwrap would die of it and take the program with it.
    static func terminate(_ bwrap: Int32) async {
        for _ in 0..<100 {
            if let program = Self.program(of: bwrap) {
                kill(program, SIGTERM)
                return
            }
            // It is still on its way up. Its end is seen by whoever waits for it.
            guard Glibc.kill(bwrap, 0) == 0, (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
        }
        kill(bwrap, SIGKILL)
    }

    /// Ends the sandbox: the kernel kills every process below bwrap.
    static func kill(_ bwrap: Int32) { kill(bwrap, SIGKILL) }

    private static func kill(_ process: Int32, _ signal: Int32) { _ = Glibc.kill(process, signal) }

    /// bwrap → the first process of its namespace → the program.
    static func program(of bwrap: Int32) -> Int32? { Self.children(of: bwrap).first.flatMap { Self.children(of: $0).first } }

    private static func children(of process: Int32) -> [Int32] {
        guard let data = FileManager.default.contents(atPath: "/proc/\(process)/task/\(process)/children") else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
    }
}
