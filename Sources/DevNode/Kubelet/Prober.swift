import CurlTransport
import NIOCore
import NIOPosix
import Subprocess
import SystemPackage

/// Asks a container what its probes say, and runs its `preStop` hook.
struct Prober: Sendable {
    let transport: CurlTransport
    /// The pod's address.
    let address: String

    /// Whether the answer counts as success.
    /// - Parameter sandbox: how the container is run, for checks that are commands.
    func ask(_ check: Probe.Check, timeout: Duration, sandbox: Sandbox?) async -> Bool {
        switch check {
        case .http(let http): await self.get(http, timeout: timeout)
        case .tcp(let host, let port): await self.connect(host ?? self.address, port, timeout: timeout)
        case .exec(let command): await self.execute(command, timeout: timeout, beside: sandbox)
        case .sleep(let duration): (try? await Task.sleep(for: min(duration, timeout))) != nil
        }
    }

    private func get(_ check: Probe.HTTPCheck, timeout: Duration) async -> Bool {
        let path = check.path.hasPrefix("/") ? check.path : "/\(check.path)"
        // As the kubelet: a probe asks whether a program answers, not who it is.
        let request = HTTPRequest(
            "GET", "\(check.scheme)://\(check.host ?? self.address):\(check.port)\(path)",
            headers: [HTTPHeader("User-Agent", "kube-probe/1.32")] + check.headers.map { HTTPHeader($0.name, $0.value) },
            timeout: timeout, connectTimeout: timeout, tls: TLSSettings(insecureSkipVerify: true), proxy: .none)
        guard let response = try? await self.transport.send(request) else { return false }
        return (200..<400).contains(response.status)
    }

    private func connect(_ host: String, _ port: Int, timeout: Duration) async -> Bool {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connectTimeout(
            .nanoseconds(Int64(timeout.seconds * 1e9)))
        guard let channel = try? await bootstrap.connect(host: host, port: port).get() else { return false }
        try? await channel.close()
        return true
    }

    /// Runs a command in a sandbox beside the container's: the same files and volumes, but processes and a `/tmp` of its own.
    private func execute(_ command: [String], timeout: Duration, beside sandbox: Sandbox?) async -> Bool {
        guard var sibling = sandbox?.command, let environment = sandbox?.variables, !command.isEmpty else { return false }
        sibling.command = command
        sibling.arguments = []
        let line = sibling.line
        return await withTaskGroup { group in
            group.addTask {
                let result = try? await Subprocess.run(
                    .path(FilePath(SandboxProcess.bwrap)), arguments: Arguments(line), environment: .custom(environment),
                    output: .discarded, error: .discarded)
                return result?.terminationStatus.isSuccess ?? false
            }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
    }
}
