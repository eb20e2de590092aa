import CLinux
import Glibc
import NameResolution
import Routing
import TestKit

@testable import Relay

/// Answers what it is told to.
struct ScriptedResolver: NameResolver {
    let answers: [String: ResolvedName]
    var answersLater = false
    func known(_ name: String) -> ResolvedName? { self.answers[name] }
    func resolve(_ name: String, _ answer: @escaping @Sendable (ResolvedName) -> Void) -> ResolvedName? {
        let known = self.answers[name] ?? ResolvedName(addresses: [], problem: "unknown", validFor: .seconds(60))
        guard self.answersLater else { return known }
        answer(known)
        return nil
    }
}

/// A listener that takes no further connection.
final class FullListener: Sendable {
    let port: UInt16
    private let fd: Int32
    private let fillers: [Int32]

    init(address: String = "127.0.0.1", port: UInt16 = 0) throws {
        let any = IPEndpoint(address: address, port: port)!
        let fd = cl_tcp_socket(any.family)
        _ = cl_set_reuse_address(fd)
        guard any.withSocketAddress({ cl_bind(fd, $0, $1) }) == 0, cl_listen(fd, 0) == 0 else { throw SocketError(number: 1) }
        var storage = sockaddr_storage()
        _ = cl_local_address(fd, &storage)
        let bound = IPEndpoint(storage)
        self.port = bound.port
        self.fd = fd
        self.fillers = (0..<4).map { _ in
            let filler = cl_tcp_socket(bound.family)
            _ = bound.withSocketAddress { cl_connect(filler, $0, $1) }
            return filler
        }
    }

    deinit {
        for filler in self.fillers { _ = cl_close(filler) }
        _ = cl_close(self.fd)
    }
}
