import CLinux
import FoundationEssentials
import Routing

extension Worker {
    /// How long stopping waits for the TLS side to close what it has.
    private static let stopPatience: Int64 = 2_000_000_000

    mutating func readMail() {
        for message in self.environment.mailbox.takeAll() { self.handle(message) }
    }

    private mutating func handle(_ message: WorkerMessage) {
        switch message {
        case .adopt(let table, let sockets, let done):
            self.adopt(table, sockets)
            done()
        case .handoffFinished(let index, let generation, let outcome): self.handoffFinished(index, generation, outcome)
        case .resolved(let name, let answer): self.resolved(name, answer)
        case .inspectConnections(let reply): reply(self.inspectConnections())
        case .ignoreNewConnections(let done):
            for socket in self.sockets { if let socket { _ = cl_ignore_new_connections(socket.fd) } }
            done()
        case .stopAccepting(let done):
            for position in self.sockets.indices { self.closeListener(position) }
            done()
        case .whenEmpty(let report): self.onEmpty.append(report)
        case .closeLeftovers(let spread): self.closeLeftovers(spread.nanoseconds)
        case .stop:
            guard self.stopDeadline == nil else { return }
            self.stopDeadline = self.now + Self.stopPatience
            for position in self.sockets.indices { self.closeListener(position) }
            self.forEachConnection { worker, slot in worker.closeLeftover(slot) }
            self.forEachConnection { worker, slot in if slot.pointee.state == .closing { worker.release(slot) } }
        }
    }

    /// After the loop: what has not ended by now is only closed.
    mutating func end() {
        self.forEachConnection { worker, slot in worker.release(slot) }
        for message in self.environment.mailbox.close() {
            switch message {
            case .adopt(_, let sockets, let done):
                for fd in sockets.values { _ = cl_close(fd) }
                done()
            case .ignoreNewConnections(let done), .stopAccepting(let done): done()
            case .whenEmpty(let report): report()
            case .inspectConnections(let reply): reply([])
            case .handoffFinished, .resolved, .closeLeftovers, .stop: break
            }
        }
        let waiting = self.onEmpty
        self.onEmpty = []
        for report in waiting { report() }
    }

    mutating func forEachConnection(_ body: (inout Worker, Slot) -> Void) {
        for index in 0..<self.slab.capacity {
            let slot = self.slab[index]
            if slot.pointee.state != .free { body(&self, slot) }
        }
    }

    private mutating func closeLeftovers(_ spread: Int64) {
        self.forEachConnection { worker, slot in
            worker.setDeadline(slot, after: spread > 0 ? Int64.random(in: 0...spread, using: &worker.generator) : 0)
            slot.pointee.flags.insert(.leftover)
        }
    }

    /// Takes what is queued on a listener, so that nobody who got through to it is reset, then closes it. What comes in
    /// between the last accept and the close would be reset: so nothing new may come.
    private mutating func closeListener(_ position: Int) {
        guard let socket = self.sockets[position] else { return }
        _ = cl_ignore_new_connections(socket.fd)
        self.acceptAll(position, untilEmpty: true)
        _ = cl_close(socket.fd)
        self.sockets[position] = nil
    }
}

// Swapping tables.
extension Worker {
    private mutating func adopt(_ live: LiveTable, _ fresh: [ListenerKey: Int32]) {
        // Listeners that go close under the old table, which still knows their routes.
        for position in self.sockets.indices {
            if let socket = self.sockets[position], live.bound[socket.key] == nil { self.closeListener(position) }
        }
        let table = Table(live: live, upstreams: live.upstreamPointers, listeners: live.listeners, references: 1)
        let old = self.current
        self.current = self.store(table)
        if old >= 0 { self.dropTable(old) }
        self.forgetHosts()

        for position in self.sockets.indices {
            if let key = self.sockets[position]?.key, let listener = live.bound[key] {
                self.sockets[position]!.listener = Int32(listener)
            }
        }
        for (key, fd) in fresh {
            guard let listener = live.bound[key] else {
                _ = cl_close(fd)
                continue
            }
            let socket = Socket(key: key, fd: fd, listener: Int32(listener))
            let position: Int
            if let free = self.sockets.firstIndex(where: { $0 == nil }) {
                self.sockets[free] = socket
                position = free
            } else {
                self.sockets.append(socket)
                position = self.sockets.count - 1
            }
            _ = cl_epoll_add(self.epoll, fd, CL_EPOLLIN, Self.tag(.listener, Int32(position), 0))
        }
        self.cutRemovedRoutes()
    }

    private mutating func store(_ table: Table) -> Int32 {
        if let free = self.tables.firstIndex(where: { $0 == nil }) {
            self.tables[free] = table
            return Int32(free)
        }
        self.tables.append(table)
        return Int32(self.tables.count - 1)
    }

    /// One use of a table less; with the last the table goes.
    mutating func dropTable(_ index: Int32) {
        self.tables[Int(index)]!.references -= 1
        guard self.tables[Int(index)]!.references == 0 else { return }
        self.environment.retired.add(self.tables[Int(index)]!.live)
        self.tables[Int(index)] = nil
    }

    private mutating func forgetHosts() {
        guard !self.hosts.isEmpty else { return }
        let used = Set(self.tables.compactMap { $0 }.flatMap { $0.live.upstreams }.flatMap { $0.endpoints.map(\.address) })
        self.hosts = self.hosts.filter { used.contains($0.key) || $0.value.isAsked }
    }
}

// Answers for the admin pages.
extension Worker {
    private mutating func inspectConnections() -> [OpenConnection] {
        var connections: [OpenConnection] = []
        for index in 0..<self.slab.capacity {
            let slot = self.slab[index]
            let state: OpenConnection.State
            switch slot.pointee.state {
            case .free: continue
            case .readingProxyHeader, .readingHello: state = .readingHello
            case .resolving: state = .resolving
            case .connecting: state = .connecting
            case .relaying: state = .relaying
            case .handedOff: state = .handedOff
            case .closing: state = .closing
            }
            let names = self.names(slot)
            connections.append(
                OpenConnection(
                    id: ConnectionID(rawValue: slot.pointee.id), listener: names.listener, client: slot.pointee.client,
                    serverName: self.serverName(slot), state: state, origin: names.origin, cluster: names.cluster,
                    endpoint: names.endpoint, openedAt: self.date(slot.pointee.openedAt), bytesIn: slot.pointee.forward.moved,
                    bytesOut: slot.pointee.backward.moved))
        }
        return connections
    }
}
