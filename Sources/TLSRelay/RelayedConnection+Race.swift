import CLinux
import Glibc
import Relay
import Routing

/// The addresses of one endpoint, tried one after the other and then beside one another (RFC 8305, "Happy Eyeballs"): each
/// gets a head start of a quarter of a second, the first that connects wins.
struct Race {
    /// More addresses than this are not tried for one endpoint.
    static var maxAddresses: Int { 8 }
    static var headStart: Int64 { 250_000_000 }
    /// Sockets are numbered from here; no two of one connection alike, so that late news finds nobody.
    static var firstKind: UInt64 { 1 }

    struct Runner {
        var fd: Int32
        var address: IPEndpoint
        var kind: UInt64
    }

    var addresses: ArraySlice<IPEndpoint> = []
    var runners: [Runner] = []
    var nextKind = firstKind
    var lastError: Int32 = 0
    /// The last error was a shortage of ours.
    var isShort = false

    mutating func close() {
        for runner in self.runners { _ = cl_close(runner.fd) }
        self.runners = []
        self.addresses = []
    }
}

extension RelayedConnection {
    func beginRace(_ addresses: [IPEndpoint]) {
        self.attempts.phase = .racing
        self.attempts.race.addresses = addresses.prefix(Race.maxAddresses)
        self.raceOn()
    }

    /// Starts the next address; if there is none and nobody runs any more, the attempt has failed.
    func raceOn() {
        while let address = self.attempts.race.addresses.popFirst() {
            let fd = cl_tcp_socket(address.family)
            guard fd >= 0 else {
                self.attemptFailed(AttemptError(.overloaded, TLSFailure.words(errno: -fd)))
                return
            }
            _ = cl_set_no_delay(fd)
            // Bytes for the upstream are there by now: they can say for us that its answer came.
            if self.attempts.tls != nil || !self.client.kept.isEmpty { _ = cl_set_speaks_first(fd) }
            let status = address.withSocketAddress { cl_connect(fd, $0, $1) }
            guard status == 0 || status == -EINPROGRESS else {
                _ = cl_close(fd)
                self.attempts.race.lastError = -status
                self.attempts.race.isShort = Shortage.isBehind(-status, address)
                continue
            }
            let kind = self.attempts.race.nextKind
            self.attempts.race.nextKind = kind == 0xff ? Race.firstKind : kind + 1
            self.attempts.race.runners.append(Race.Runner(fd: fd, address: address, kind: kind))
            guard self.loop.watch(fd, self.reference, kind: kind) else {
                self.attemptFailed(AttemptError(.overloaded, "the system watches no more sockets"))
                return
            }
            let due = self.attempts.race.addresses.isEmpty ? Int64.max : self.loop.now + Race.headStart
            self.loop.setTimer(self.reference, deadline: min(due, self.attempts.deadline))
            return
        }
        if self.attempts.race.runners.isEmpty {
            let reason: RefusalReason = self.attempts.race.isShort ? .overloaded : .connectFailed
            self.attemptFailed(AttemptError(reason, TLSFailure.words(errno: self.attempts.race.lastError)))
        } else {
            self.loop.setTimer(self.reference, deadline: self.attempts.deadline)
        }
    }

    func raceEvent(_ kind: UInt64, _ events: UInt32) {
        guard self.state == .connecting, self.attempts.phase == .racing,
            let place = self.attempts.race.runners.firstIndex(where: { $0.kind == kind })
        else { return }
        let runner = self.attempts.race.runners[place]
        let error = events & (CL_EPOLLERR | CL_EPOLLHUP) != 0 ? cl_socket_error(runner.fd) : 0
        if error != 0 {
            _ = cl_close(runner.fd)
            self.attempts.race.runners.remove(at: place)
            self.attempts.race.lastError = error
            self.attempts.race.isShort = false
            self.raceOn()
        } else if events & CL_EPOLLOUT != 0 {
            self.attempts.race.runners.remove(at: place)
            self.attempts.race.close()
            self.attempts.winner = kind
            self.upstream.isReadable = events & (CL_EPOLLIN | CL_EPOLLRDHUP) != 0
            self.upstream.isHungUp = events & CL_EPOLLRDHUP != 0
            self.connected(runner.fd, runner.address)
        }
    }
}
