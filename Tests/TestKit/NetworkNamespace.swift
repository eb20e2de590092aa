import CNamespaces
import Glibc

/// A network of its own: interfaces, addresses, routes and ports. It goes with the last program in it.
package final class NetworkNamespace: Sendable {
    private static let kind = Int32(cns_network)
    private let fd: Int32

    /// An empty one. Its loopback is up.
    package static func make() async throws -> NetworkNamespace {
        let fd = try await onThread {
            // Of this thread alone, which ends.
            guard unshare(Self.kind) == 0 else { throw SocketError(number: errno) }
            let fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
            guard fd >= 0 else { throw SocketError(number: errno) }
            return fd
        }
        let network = NetworkNamespace(fd: fd)
        try await network.ip("link set lo up")
        return network
    }

    private init(fd: Int32) { self.fd = fd }

    deinit { Glibc.close(self.fd) }

    /// What `ip link set … netns` takes.
    package var path: String { "/proc/\(getpid())/fd/\(self.fd)" }

    /// Puts the calling thread here. Sockets belong to where they were made.
    package func join() throws {
        guard setns(self.fd, Self.kind) == 0 else { throw SocketError(number: errno) }
    }

    /// Runs blocking work on a thread here.
    package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await onThread {
            try self.join()
            return try body()
        }
    }

    /// The command line that runs a program here.
    package func command(_ program: String, _ arguments: [String]) -> (program: String, arguments: [String]) {
        ("nsenter", ["--net=\(self.path)", "--", program] + arguments)
    }

    /// Lines for `ip -batch`.
    package func ip(_ lines: String...) async throws {
        let (program, arguments) = self.command("ip", ["-batch", "-"])
        try await Command.output(program, arguments, input: lines.joined(separator: "\n") + "\n")
    }
}
