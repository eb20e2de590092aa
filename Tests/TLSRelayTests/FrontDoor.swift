import Foundation
import Glibc
import Logging
import NameResolution
import Routing
import Synchronization
import TLSRelay

/// Accepts on loopback and hands each socket to a relay, as the engine does, with the purpose and cluster of the moment.
final class FrontDoor: Sendable {
    let relay: TLSRelay
    let port: Int
    let outcomes: AsyncStream<TLSOutcome>
    private let report: AsyncStream<TLSOutcome>.Continuation
    private let listener: CInt
    private let next: Mutex<(purpose: TLSConnection.Purpose, upstream: UpstreamCluster)>
    private let preface: [UInt8]
    private let ids = Mutex<UInt64>(0)

    init(
        _ credentials: TLSCredentials, _ purpose: TLSConnection.Purpose, to cluster: Cluster,
        options: TLSRelayOptions = TLSRelayOptions(), resolver: any NameResolver = DNSResolver(), preface: [UInt8] = []
    ) {
        self.preface = preface
        self.relay = TLSRelay(options: options, credentials: credentials, resolver: resolver, logger: Logger(label: "test"))
        _ = credentials.prepare([cluster])
        self.next = Mutex((purpose, UpstreamCluster(cluster)))
        (self.outcomes, self.report) = AsyncStream.makeStream()
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        precondition(bound)
        self.listener = listener
        let port = Int(UInt16(bigEndian: address.sin_port))
        self.port = port
        let peerTimeout = CInt(options.peerTimeout / .milliseconds(1))
        let thread = Thread { [weak self] in
            while case let client = accept(listener, nil, nil), client >= 0 {
                _ = fcntl(client, F_SETFL, O_NONBLOCK)
                // What the engine's listeners leave to their sockets.
                for (option, var value) in [(TCP_NODELAY, CInt(1)), (TCP_USER_TIMEOUT, peerTimeout)] {
                    setsockopt(client, CInt(IPPROTO_TCP), option, &value, 4)
                }
                self?.hand(client)
            }
        }
        thread.start()
    }

    private func hand(_ client: CInt) {
        let (purpose, upstream) = self.next.withLock { $0 }
        let id = self.ids.withLock { ids in
            ids += 1
            return ids
        }
        self.relay.take(
            TLSConnection(socket: client, id: id, purpose: purpose, upstream: upstream, preface: self.preface) { [report] in
                report.yield($0)
            })
    }

    var upstream: UpstreamCluster { self.next.withLock { $0.upstream } }

    func change(_ purpose: TLSConnection.Purpose) { self.next.withLock { $0.purpose = purpose } }

    func outcome() async -> TLSOutcome {
        for await outcome in self.outcomes { return outcome }
        preconditionFailure("no outcome")
    }

    deinit { shutdown(self.listener, Int32(SHUT_RDWR)) }
}

/// A port of loopback on which nobody listens: bound, never listened on.
func closedPort() -> UInt16 {
    let holder = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            _ = bind(holder, $0, size)
            _ = getsockname(holder, $0, &size)
        }
    }
    return UInt16(bigEndian: address.sin_port)
}
