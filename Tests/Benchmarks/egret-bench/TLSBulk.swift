import CLinux
import COpenSSL
import Glibc

/// Streams over mTLS to the proxy and plaintext from there to the backend. A unit is a byte that arrived, in the clear.
struct TLSBulk: Work {
    private(set) var tally = Tally()
    private let clients: TLSClients
    private let streams: Int
    private let direction: Bulk.Direction
    private let source: Source
    private let sessions: UnsafeMutablePointer<OpaquePointer?>
    private let ready: UnsafeMutablePointer<Bool>
    private let greeted: UnsafeMutablePointer<Bool>
    private static let chunk = 128 * 1024

    init(clients: TLSClients, streams: Int, direction: Bulk.Direction, source: Source, limit: Int) {
        self.clients = clients
        self.streams = streams
        self.direction = direction
        self.source = source
        self.sessions = .allocate(capacity: limit)
        self.ready = .allocate(capacity: limit)
        self.greeted = .allocate(capacity: limit)
        self.sessions.initialize(repeating: nil, count: limit)
        self.ready.initialize(repeating: false, count: limit)
        self.greeted.initialize(repeating: false, count: limit)
    }

    mutating func begin(_ ends: borrowing Ends) {
        for _ in 0..<self.streams {
            guard let fd = ends.open() else { return self.tally.fail("a client can't connect") }
            let ssl = self.clients.session(on: fd)
            self.sessions[Int(fd)] = ssl
            _ = TLSStep(SSL_do_handshake(ssl), ssl)
            ends.watch(fd, .client, CL_EPOLLIN | CL_EPOLLOUT | CL_EPOLLET)
        }
    }

    mutating func client(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        guard let ssl = self.sessions[Int(fd)] else { return }
        if !self.ready[Int(fd)] {
            switch TLSStep(SSL_do_handshake(ssl), ssl) {
            case .later: return
            case .failed(let why): return self.fail(fd, ssl, why, ends)
            case .done:
                self.ready[Int(fd)] = true
                _ = SSL_write(ssl, ends.scratch, 64)
            }
        }
        while true {
            let result =
                switch self.direction {
                case .toClient: SSL_read(ssl, ends.scratch, Int32(Ends.scratchSize))
                case .fromClient: SSL_write(ssl, ends.scratch, Int32(Self.chunk))
                }
            switch TLSStep(result, ssl) {
            case .later: return
            case .failed(let why): return self.fail(fd, ssl, why, ends)
            case .done(let count): if self.direction == .toClient { self.tally.units += count }
            }
        }
    }

    private mutating func fail(_ fd: Int32, _ ssl: OpaquePointer, _ why: String, _ ends: borrowing Ends) {
        self.tally.fail(why)
        SSL_free(ssl)
        self.sessions[Int(fd)] = nil
        ends.close(fd)
    }

    mutating func backend(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        switch self.direction {
        case .toClient where self.greeted[Int(fd)]:
            let count = self.source.pour(into: fd)
            if count <= 0, count != -Int(EAGAIN) { ends.close(fd) }
        case .toClient:
            guard cl_recv(fd, ends.scratch, Ends.scratchSize) > 0 else { return ends.close(fd) }
            self.greeted[Int(fd)] = true
            ends.watchAgain(fd, .backend, CL_EPOLLOUT)
        case .fromClient:
            let count = cl_discard(fd, 4 << 20)
            if count > 0 {
                self.tally.units += count
            } else if count != -Int(EAGAIN) {
                ends.close(fd)
            }
        }
    }
}
