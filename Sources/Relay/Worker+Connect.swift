import CLinux
import FoundationEssentials
import Glibc
import NameResolution
import Routing

extension Connection {
    /// On the endpoint at `place`.
    var attempt: UpstreamCluster.Attempt {
        UpstreamCluster.Attempt(place: Int(self.place), isProbe: self.flags.contains(.probing))
    }
}

/// Endpoints are tried one after the other. Of one endpoint that is a host name the addresses race (RFC 8305): each gets a head
/// start, the first that connects wins. An endpoint has the connect timeout, with all its addresses.
extension Worker {
    /// The connection's cluster. Alive as long as its table.
    func upstream(_ slot: Slot) -> Unmanaged<UpstreamCluster> {
        self.tables[Int(slot.pointee.table)]!.upstreams[Int(slot.pointee.cluster)]
    }

    /// Begins an attempt on the best endpoint not tried yet. Nothing of the client's bytes has been taken, so attempts may
    /// fail and follow one another without loss.
    mutating func connect(_ slot: Slot) {
        if !slot.pointee.flags.contains(.inCluster) {
            guard self.upstream(slot)._withUnsafeGuaranteedRef({ $0.enter() }) else {
                self.refuse(slot, .clusterConnectionLimit)
                return
            }
            slot.pointee.flags.insert(.inCluster)
        }
        while true {
            if !slot.pointee.flags.contains(.placed), !self.place(slot) {
                self.refuse(slot, self.lastFailure(slot))
                return
            }
            switch self.tryNextAddress(slot) {
            case .underWay: return
            case .asked:
                slot.pointee.state = .resolving
                self.pollClient(slot)
                self.setDeadline(slot, after: self.limits.connect)
                return
            case .overloaded:
                self.refuse(slot, .overloaded)
                return
            case .shortage: self.skipEndpoint(slot)
            case .noneLeft: self.endpointFailed(slot)
            }
        }
    }

    /// Chooses an endpoint; false where there is none, or no further attempt allowed.
    private mutating func place(_ slot: Slot) -> Bool {
        guard Int(slot.pointee.attempts) < self.limits.connectAttempts else { return false }
        let tried = slot.pointee.tried
        let now = self.now
        let attempt = self.upstream(slot)._withUnsafeGuaranteedRef {
            $0.begin(excluding: tried, now: now, using: &self.generator)
        }
        guard let attempt else { return false }
        slot.pointee.attempts += 1
        slot.pointee.flags.insert(attempt.isProbe ? [.placed, .probing] : .placed)
        slot.pointee.place = Int32(attempt.place)
        slot.pointee.addressIndex = 0
        slot.pointee.lastActivity = self.now
        return true
    }

    private enum Next {
        /// An attempt is, or several are.
        case underWay
        /// The name's answer is under way.
        case asked
        /// Out of descriptors or memory.
        case overloaded
        /// Too little of ours for this endpoint, which is not to blame. For another one there may be enough.
        case shortage
        /// And none under way.
        case noneLeft
    }

    /// Starts an attempt on the endpoint's next address.
    private mutating func tryNextAddress(_ slot: Slot) -> Next {
        let place = Int(slot.pointee.place)
        if let literal = self.upstream(slot)._withUnsafeGuaranteedRef({ $0.literal(place) }) {
            guard slot.pointee.addressIndex == 0 else { return .noneLeft }
            slot.pointee.addressIndex = 1
            let next = self.start(slot, literal)
            if next == .underWay { self.setDeadline(slot, after: self.limits.connect) }
            return next
        }
        let cluster = self.tables[Int(slot.pointee.table)]!.live.upstreams[Int(slot.pointee.cluster)]
        let endpoint = cluster.endpoints[place]
        let host = self.lookUp(endpoint.address)
        if host.isAsked && slot.pointee.addressIndex == 0 {
            self.hosts[endpoint.address]!.waiting.append(Reference(index: slot.pointee.index, generation: slot.pointee.generation))
            return .asked
        }
        if host.addresses.isEmpty { self.note(slot, .nameNotResolved) }
        let count = min(host.addresses.count, Race.mostAddresses)
        while Int(slot.pointee.addressIndex) < count {
            // Connections begin with different addresses of a name, to load them alike.
            let position = host.order.position(Int(slot.pointee.addressIndex), rotatedBy: slot.pointee.id)
            var address = host.addresses[position]
            slot.pointee.addressIndex += 1
            guard cluster.permits(address) else {
                if slot.pointee.lastFailure == .max { self.note(slot, .addressDenied) }
                continue
            }
            address.port = endpoint.port
            switch self.start(slot, address) {
            case .underWay: break
            case .overloaded: return .overloaded
            case .shortage where !self.isUnderWay(slot): return .shortage
            default: continue
            }
            let left = max(0, slot.pointee.lastActivity + self.limits.connect - self.now)
            self.setDeadline(slot, after: Int(slot.pointee.addressIndex) < count ? min(left, Race.headStart) : left)
            return .underWay
        }
        guard self.isUnderWay(slot) else { return .noneLeft }
        self.setDeadline(slot, after: max(0, slot.pointee.lastActivity + self.limits.connect - self.now))
        return .underWay
    }

    private func isUnderWay(_ slot: Slot) -> Bool {
        slot.pointee.upstreamFD >= 0 || slot.pointee.race >= 0 && !self.races[Int(slot.pointee.race)].isOver
    }

    /// Starts an attempt beside those under way. `noneLeft`: it failed at once.
    private mutating func start(_ slot: Slot, _ address: IPEndpoint) -> Next {
        // A race's runners are sockets of their own.
        let used = slot.pointee.upstreamFD < 0 ? self.idleSockets.take(address.family) : nil
        let fd = used ?? cl_tcp_socket(address.family)
        guard fd >= 0 else {
            slot.pointee.lastError = -fd
            return .overloaded
        }
        guard fd < self.environment.descriptors.upstreams else {
            _ = cl_close(fd)
            slot.pointee.lastError = EMFILE
            return .overloaded
        }
        if self.speaksFirst(slot) { _ = cl_set_speaks_first(fd) }
        let status = address.withSocketAddress { cl_connect(fd, $0, $1) }
        guard status == 0 || status == -EINPROGRESS else {
            _ = cl_close(fd)
            slot.pointee.lastError = -status
            if Shortage.isBehind(-status, address) { return .shortage }
            self.note(slot, .connectFailed)
            return .noneLeft
        }
        slot.pointee.state = .connecting
        let polled: Int32
        if slot.pointee.upstreamFD >= 0 {
            polled = self.addRunner(slot, fd)
        } else {
            slot.pointee.upstreamFD = fd
            slot.pointee.upstreamFamily = address.family
            let tag = Self.upstreamTag(slot)
            polled =
                used == nil
                ? cl_epoll_add(self.epoll, fd, Self.upstreamEvents, tag) : cl_epoll_modify(self.epoll, fd, Self.upstreamEvents, tag)
        }
        if polled != 0 { slot.pointee.lastError = -polled }
        return polled == 0 && self.pollClient(slot) ? .underWay : .overloaded
    }

    static var upstreamEvents: UInt32 { CL_EPOLLIN | CL_EPOLLOUT | CL_EPOLLRDHUP | CL_EPOLLET }
    static func upstreamTag(_ slot: Slot) -> UInt64 { Self.tag(.upstream, slot.pointee.index, slot.pointee.generation) }

    /// Whether bytes for the upstream are there by now, so that there is no waiting for it to begin.
    private func speaksFirst(_ slot: Slot) -> Bool { self.takesTLS(slot) }

    mutating func connectEvent(_ slot: Slot, _ events: UInt32) {
        let error = events & (CL_EPOLLERR | CL_EPOLLHUP) != 0 ? cl_socket_error(slot.pointee.upstreamFD) : 0
        if error != 0 {
            _ = cl_close(slot.pointee.upstreamFD)
            slot.pointee.upstreamFD = -1
            self.addressFailed(slot, error)
        } else if events & CL_EPOLLOUT != 0 {
            self.established(slot, events)
        }
    }

    /// The socket of an attempt has failed and is closed: the next address, or the next endpoint once no other runs.
    mutating func addressFailed(_ slot: Slot, _ error: Int32) {
        slot.pointee.lastError = error
        self.note(slot, .connectFailed)
        self.connect(slot)
    }

    /// A head start is over, or the endpoint's time.
    mutating func connectDeadlinePassed(_ slot: Slot) {
        if self.now - slot.pointee.lastActivity >= self.limits.connect {
            self.note(slot, .connectTimeout)
            self.endpointFailed(slot)
        }
        self.connect(slot)
    }

    private mutating func endpointFailed(_ slot: Slot) {
        if slot.pointee.upstreamFD >= 0 {
            _ = cl_close(slot.pointee.upstreamFD)
            slot.pointee.upstreamFD = -1
        }
        self.endRace(slot)
        self.counters.add(.connectFailures)
        slot.pointee.tried.insert(Int(slot.pointee.place))
        let (attempt, now) = (slot.pointee.attempt, self.now)
        self.upstream(slot)._withUnsafeGuaranteedRef { $0.failed(attempt, now: now) }
        slot.pointee.flags.subtract([.placed, .probing])
    }

    /// Not its fault: neither counted nor set aside.
    private mutating func skipEndpoint(_ slot: Slot) {
        self.note(slot, .overloaded)
        slot.pointee.tried.insert(Int(slot.pointee.place))
        let attempt = slot.pointee.attempt
        self.upstream(slot)._withUnsafeGuaranteedRef { $0.ended(attempt) }
        slot.pointee.flags.subtract([.placed, .probing])
    }

    private func note(_ slot: Slot, _ reason: RefusalReason) {
        slot.pointee.lastFailure =
            switch reason {
            case .connectTimeout: 1
            case .nameNotResolved: 2
            case .addressDenied: 3
            case .overloaded: 4
            default: 0
            }
    }

    private func lastFailure(_ slot: Slot) -> RefusalReason {
        switch slot.pointee.lastFailure {
        case 0: .connectFailed
        case 1: .connectTimeout
        case 2: .nameNotResolved
        case 3: .addressDenied
        case 4: .overloaded
        default: .noEndpoint
        }
    }

    mutating func established(_ slot: Slot, _ events: UInt32) {
        guard self.sendProxyHeader(slot) else {
            _ = cl_close(slot.pointee.upstreamFD)
            slot.pointee.upstreamFD = -1
            self.addressFailed(slot, ECONNRESET)
            return
        }
        self.endRace(slot)
        var attempt = slot.pointee.attempt
        self.upstream(slot)._withUnsafeGuaranteedRef { $0.connected(&attempt) }
        slot.pointee.flags.remove(.probing)
        slot.pointee.connectedAt = self.now
        slot.pointee.lastActivity = self.now
        slot.pointee.state = .relaying
        self.counters.add(.allowed)
        self.counters.observe(.connectSeconds, UInt64(max(0, self.now - slot.pointee.connectStartedAt)) / 1000)
        self.setDeadline(slot, after: self.limits.firstCheck)
        // The hello waits in the socket, and its edge was spent while we looked at it.
        slot.pointee.forward.flags.insert([.readable, .writable])
        if !slot.pointee.forward.flags.contains(.announcesClient) { slot.pointee.forward.flags.insert(.nagle) }
        slot.pointee.backward.flags.insert(.writable)
        if slot.pointee.flags.contains(.clientHungUp) { slot.pointee.forward.flags.insert(.hungUp) }
        self.relay(slot, clientEvents: 0, upstreamEvents: events)
    }

    mutating func clientGoneEarly(_ slot: Slot) { self.refuse(slot, .clientGone) }
}
