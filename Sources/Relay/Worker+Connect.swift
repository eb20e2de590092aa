import CLinux
import FoundationEssentials
import Glibc
import NameResolution
import Routing

extension Worker {
    private var clock: Duration { .nanoseconds(self.now) }

    /// Begins an attempt on the best endpoint not tried yet. Nothing of the client's bytes has been taken, so attempts may
    /// fail and follow one another without loss.
    mutating func connect(_ slot: Slot) {
        while true {
            guard Int(slot.pointee.attempts) < self.limits.connectAttempts else {
                self.refuse(slot, self.lastFailure(slot))
                return
            }
            if !slot.pointee.flags.contains(.placed) {
                let cluster = Int(slot.pointee.cluster)
                let place = self.clusters[cluster]!.balancer.choose(
                    excluding: slot.pointee.tried, now: self.clock, using: &self.generator)
                guard let place else {
                    self.refuse(slot, self.lastFailure(slot))
                    return
                }
                self.clusters[cluster]!.balancer.started(place)
                slot.pointee.flags.insert(.placed)
                slot.pointee.place = Int32(place)
                slot.pointee.addressIndex = 0
            }
            switch self.address(slot) {
            case .known(let address):
                if self.attempt(slot, address) { return }
            case .asked:
                slot.pointee.state = .resolving
                self.pollClient(slot)
                self.setDeadline(slot, after: self.limits.connect)
                return
            case .unknown: self.notResolved(slot)
            }
        }
    }

    private func lastFailure(_ slot: Slot) -> RefusalReason {
        switch slot.pointee.lastFailure {
        case 0: .connectFailed
        case 1: .connectTimeout
        case 2: .nameNotResolved
        case 3: .overloaded
        default: .noEndpoint
        }
    }

    private enum Address {
        case known(IPEndpoint)
        /// The answer is under way.
        case asked
        case unknown
    }

    private mutating func address(_ slot: Slot) -> Address {
        let cluster = Int(slot.pointee.cluster)
        let place = Int(slot.pointee.place)
        if let literal = self.clusters[cluster]!.addresses[place] { return .known(literal) }
        let endpoint = self.clusters[cluster]!.balancer.places[place].endpoint
        let host = self.lookUp(endpoint.address)
        if !host.isAsked && Int(slot.pointee.addressIndex) < host.addresses.count {
            var address = host.addresses[Int(slot.pointee.addressIndex)]
            address.port = endpoint.port
            return .known(address)
        }
        guard host.isAsked else { return .unknown }
        self.hosts[endpoint.address]!.waiting.append(Reference(index: slot.pointee.index, generation: slot.pointee.generation))
        return .asked
    }

    /// What is known of a host; asks when that is nothing or old.
    @discardableResult
    mutating func lookUp(_ name: String) -> ResolvedHost {
        var host = self.hosts[name] ?? ResolvedHost()
        guard !host.isAsked && self.now >= host.validUntil else { return host }
        let mailbox = self.environment.mailbox
        if let answer = self.environment.resolver.resolve(name, { mailbox.post(.resolved(name, $0)) }) {
            host.adopt(answer, now: self.now)
        } else {
            host.isAsked = true
        }
        self.hosts[name] = host
        return host
    }

    mutating func resolved(_ name: String, _ answer: ResolvedName) {
        var host = self.hosts[name] ?? ResolvedHost()
        let waiting = host.waiting
        host.adopt(answer, now: self.now)
        host.isAsked = false
        host.waiting = []
        self.hosts[name] = host
        for reference in waiting {
            guard let slot = self.slab.slot(Int(reference.index), generation: reference.generation), slot.pointee.state == .resolving
            else { continue }
            if host.addresses.isEmpty { self.notResolved(slot) }
            self.connect(slot)
        }
    }

    /// True when the attempt is under way, or the connection was given up.
    private mutating func attempt(_ slot: Slot, _ address: IPEndpoint) -> Bool {
        slot.pointee.attempts += 1
        let fd = cl_tcp_socket(address.family)
        guard fd >= 0 else {
            slot.pointee.lastError = -fd
            self.refuse(slot, .overloaded)
            return true
        }
        if self.speaksFirst(slot) { _ = cl_set_speaks_first(fd) }
        let status = address.withSocketAddress { cl_connect(fd, $0, $1) }
        guard status == 0 || status == -EINPROGRESS else {
            _ = cl_close(fd)
            slot.pointee.lastError = -status
            if Self.isShortage(-status, address) { self.skipPlace(slot) } else { self.addressFailed(slot, .connectFailed) }
            return false
        }
        slot.pointee.upstreamFD = fd
        slot.pointee.state = .connecting
        self.setDeadline(slot, after: self.limits.connect)
        let events = CL_EPOLLIN | CL_EPOLLOUT | CL_EPOLLRDHUP | CL_EPOLLET
        let polled = cl_epoll_add(self.epoll, fd, events, Self.tag(.upstream, slot.pointee.index, slot.pointee.generation))
        if polled != 0 || !self.pollClient(slot) {
            if polled != 0 { slot.pointee.lastError = -polled }
            self.refuse(slot, .overloaded)
        }
        return true
    }

    /// Whether bytes for the upstream are there by now, so that there is no waiting for it to begin.
    private func speaksFirst(_ slot: Slot) -> Bool { self.takesTLS(slot) }

    mutating func connectEvent(_ slot: Slot, _ events: UInt32) {
        let error = events & (CL_EPOLLERR | CL_EPOLLHUP) != 0 ? cl_socket_error(slot.pointee.upstreamFD) : 0
        if error != 0 {
            slot.pointee.lastError = error
            self.attemptFailed(slot, .connectFailed)
        } else if events & CL_EPOLLOUT != 0 {
            self.established(slot, events)
        }
    }

    /// The attempt under way failed: try the next address or endpoint.
    mutating func attemptFailed(_ slot: Slot, _ reason: RefusalReason) {
        _ = cl_close(slot.pointee.upstreamFD)
        slot.pointee.upstreamFD = -1
        self.addressFailed(slot, reason)
        self.connect(slot)
    }

    /// A host's further addresses are tried before the endpoint counts as failed.
    private mutating func addressFailed(_ slot: Slot, _ reason: RefusalReason) {
        let cluster = Int(slot.pointee.cluster)
        let place = Int(slot.pointee.place)
        if self.clusters[cluster]!.addresses[place] == nil {
            let host = self.hosts[self.clusters[cluster]!.balancer.places[place].endpoint.address]
            slot.pointee.addressIndex += 1
            if Int(slot.pointee.addressIndex) < min(host?.addresses.count ?? 0, 8) {
                self.note(slot, reason)
                return
            }
        }
        self.placeFailed(slot, reason)
    }

    private mutating func notResolved(_ slot: Slot) {
        slot.pointee.attempts += 1
        self.placeFailed(slot, .nameNotResolved)
    }

    private mutating func placeFailed(_ slot: Slot, _ reason: RefusalReason) {
        self.note(slot, reason)
        self.counters.add(.connectFailures)
        slot.pointee.tried.insert(Int(slot.pointee.place))
        self.clusters[Int(slot.pointee.cluster)]!.balancer.failed(Int(slot.pointee.place), now: self.clock)
        slot.pointee.flags.remove(.placed)
    }

    /// Too little of ours for this endpoint, which is not to blame. For another one there may be enough.
    private mutating func skipPlace(_ slot: Slot) {
        self.note(slot, .overloaded)
        slot.pointee.tried.insert(Int(slot.pointee.place))
        self.clusters[Int(slot.pointee.cluster)]!.balancer.ended(Int(slot.pointee.place))
        slot.pointee.flags.remove(.placed)
    }

    private func note(_ slot: Slot, _ reason: RefusalReason) {
        slot.pointee.lastFailure =
            switch reason {
            case .connectTimeout: 1
            case .nameNotResolved: 2
            case .overloaded: 3
            default: 0
            }
    }

    private mutating func established(_ slot: Slot, _ events: UInt32) {
        self.clusters[Int(slot.pointee.cluster)]!.balancer.connected(Int(slot.pointee.place))
        slot.pointee.connectedAt = self.now
        slot.pointee.lastActivity = self.now
        slot.pointee.state = .relaying
        self.counters.add(.allowed)
        self.counters.observe(.connectSeconds, UInt64(max(0, self.now - slot.pointee.connectStartedAt)) / 1000)
        self.setDeadline(slot, after: min(self.limits.idle, Self.firstCheck))
        // The hello waits in the socket, and its edge was spent while we looked at it.
        slot.pointee.forward.flags.insert([.readable, .writable, .nagle])
        slot.pointee.backward.flags.insert(.writable)
        if slot.pointee.flags.contains(.clientHungUp) { slot.pointee.forward.flags.insert(.hungUp) }
        self.relay(slot, clientEvents: 0, upstreamEvents: events)
    }

    mutating func clientGoneEarly(_ slot: Slot) { self.refuse(slot, .clientGone) }
}
