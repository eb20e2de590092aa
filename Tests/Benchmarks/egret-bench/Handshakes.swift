import CLinux
import COpenSSL
import Glibc

/// Full mTLS handshakes: connect, handshake, one request and its answer, close_notify.
///
/// With TLS 1.3 a client is done before the proxy has seen its certificate; only the answer of the backend shows that the
/// proxy let the client through.
struct Handshakes: Work {
    private(set) var tally = Tally()
    private let clients: TLSClients
    private let concurrency: Int
    private let sessions: UnsafeMutablePointer<OpaquePointer?>
    private let asked: UnsafeMutablePointer<Bool>

    init(clients: TLSClients, concurrency: Int, limit: Int) {
        self.clients = clients
        self.concurrency = concurrency
        self.sessions = .allocate(capacity: limit)
        self.asked = .allocate(capacity: limit)
        self.sessions.initialize(repeating: nil, count: limit)
        self.asked.initialize(repeating: false, count: limit)
    }

    mutating func begin(_ ends: borrowing Ends) {
        for _ in 0..<self.concurrency { self.openOne(ends) }
    }

    private mutating func openOne(_ ends: borrowing Ends) {
        guard let fd = ends.open() else { return self.tally.fail("a client can't connect") }
        let ssl = self.clients.session(on: fd)
        self.sessions[Int(fd)] = ssl
        self.asked[Int(fd)] = false
        // Sends the hello.
        _ = TLSStep(SSL_do_handshake(ssl), ssl)
        ends.watch(fd, .client, CL_EPOLLIN | CL_EPOLLOUT | CL_EPOLLET)
    }

    mutating func client(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        guard let ssl = self.sessions[Int(fd)] else { return }
        if !self.asked[Int(fd)] {
            switch TLSStep(SSL_do_handshake(ssl), ssl) {
            case .later: return
            case .failed(let why): return self.finish(fd, ssl, failure: why, ends)
            case .done:
                self.asked[Int(fd)] = true
                _ = SSL_write(ssl, ends.scratch, 64)
            }
        }
        switch TLSStep(SSL_read(ssl, ends.scratch, Int32(Ends.scratchSize)), ssl) {
        case .later: return
        case .failed(let why): self.finish(fd, ssl, failure: why, ends)
        case .done: self.finish(fd, ssl, failure: nil, ends)
        }
    }

    private mutating func finish(_ fd: Int32, _ ssl: OpaquePointer, failure: String?, _ ends: borrowing Ends) {
        if let failure {
            self.tally.fail(failure)
        } else {
            self.tally.units += 1
            _ = SSL_shutdown(ssl)
        }
        SSL_free(ssl)
        self.sessions[Int(fd)] = nil
        ends.close(fd)
        self.openOne(ends)
    }

    mutating func backend(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        if cl_recv(fd, ends.scratch, Ends.scratchSize) > 0 {
            _ = cl_send(fd, ends.scratch, Connections.answerSize)
        } else {
            ends.close(fd)
        }
    }
}
