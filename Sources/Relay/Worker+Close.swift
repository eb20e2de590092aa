import CLinux
import FoundationEssentials
import Glibc
import ProxyHeader
import Routing

extension Worker {
    /// Says why, counts, records, and lets the client read our last words.
    mutating func refuse(_ slot: Slot, _ reason: RefusalReason) {
        self.counters.refused(reason)
        if let suppressed = self.limiter.permit(reason, now: self.now) {
            self.record(slot, .refused(reason), .refused, suppressed: suppressed)
        }
        slot.pointee.flags.insert(.recorded)
        self.leaveUpstream(slot)
        // What lingers is of no use to anybody: it doesn't keep others out.
        self.leaveCount(slot)

        if self.takesTLS(slot) {
            let words = reason.lastWords
            if words.utf8CodeUnitCount > 0 { _ = cl_send(slot.pointee.clientFD, words.utf8Start, words.utf8CodeUnitCount) }
        }
        self.linger(slot)
    }

    /// Whether the client speaks TLS with us, or would understand it.
    func takesTLS(_ slot: Slot) -> Bool {
        guard slot.pointee.listener >= 0 else { return true }
        return switch self.listener(slot).clients {
        case .tls: true
        case .plain: false
        case .either: slot.pointee.route >= 0 && Int(slot.pointee.route) != self.listener(slot).otherRoute
        }
    }

    /// Ends our half and takes in the rest of the client's: closing a socket with unread bytes sends a reset, which can
    /// overtake our last words.
    private mutating func linger(_ slot: Slot) {
        self.restoreLowWater(slot)
        slot.pointee.state = .closing
        _ = cl_shutdown_write(slot.pointee.clientFD)
        self.setDeadline(slot, after: self.limits.linger)
        self.pollClient(slot)
        self.discardInput(slot)
    }

    mutating func discardInput(_ slot: Slot) {
        // Bounded: who goes on sending against our end gets the reset.
        for _ in 0..<16 {
            let count = cl_discard(slot.pointee.clientFD, 1 << 20)
            if count == -Int(EAGAIN) { return }
            if count <= 0 && count != -Int(EINTR) { break }
        }
        self.release(slot)
    }

    /// The upstream reset after its last words, which are on their way to the client.
    mutating func lingerAfterUpstreamReset(_ slot: Slot) {
        self.recordClose(slot, .upstreamReset)
        self.leaveUpstream(slot)
        self.linger(slot)
    }

    /// Carries a reset across.
    mutating func reset(_ slot: Slot, _ reason: CloseReason) {
        _ = cl_set_reset_on_close(reason == .clientReset ? slot.pointee.upstreamFD : slot.pointee.clientFD)
        self.close(slot, reason)
    }

    /// Counted before it is recorded: who reads the record finds counters that have settled.
    mutating func close(_ slot: Slot, _ reason: CloseReason) {
        self.counters.subtract(.active)
        self.recordClose(slot, reason)
        self.free(slot)
    }

    private mutating func recordClose(_ slot: Slot, _ reason: CloseReason) {
        guard !slot.pointee.flags.contains(.recorded) else { return }
        slot.pointee.flags.insert(.recorded)
        if self.environment.options.recordAllowed { self.record(slot, .allowed, reason, suppressed: 0) }
    }

    mutating func closeLeftover(_ slot: Slot) {
        let reason = self.stopDeadline == nil ? CloseReason.drained : .stopped
        switch slot.pointee.state {
        case .handedOff:
            // It ends when the TLS side says so.
            self.environment.handoff.close(ConnectionID(rawValue: slot.pointee.id), reason: reason)
        case .relaying: self.close(slot, reason)
        case .closing: self.release(slot)
        case .readingProxyHeader, .readingHello, .resolving, .connecting: self.refuse(slot, .draining)
        case .free: break
        }
    }

    private mutating func leaveUpstream(_ slot: Slot) {
        self.releaseBuffers(&slot.pointee.forward)
        self.releaseBuffers(&slot.pointee.backward)
        if slot.pointee.upstreamFD >= 0 {
            _ = cl_close(slot.pointee.upstreamFD)
            slot.pointee.upstreamFD = -1
        }
        self.endRace(slot)
        if slot.pointee.flags.contains(.placed) {
            let attempt = slot.pointee.attempt
            slot.pointee.flags.subtract([.placed, .probing])
            self.upstream(slot)._withUnsafeGuaranteedRef { $0.ended(attempt) }
        }
        if slot.pointee.flags.contains(.inCluster) {
            slot.pointee.flags.remove(.inCluster)
            self.upstream(slot)._withUnsafeGuaranteedRef { $0.leave() }
        }
    }

    /// For the next connection, if there was nothing about this one that the next would inherit.
    mutating func keepUpstreamSocket(_ slot: Slot) {
        guard !slot.pointee.flags.contains(.keepAlive), slot.pointee.upstreamFamily != 0,
            slot.pointee.forward.moved &+ slot.pointee.backward.moved <= IdleSockets.mostBytes
        else { return }
        self.idleSockets.giveBack(slot.pointee.upstreamFD, slot.pointee.upstreamFamily)
        slot.pointee.upstreamFD = -1
    }

    private func leaveCount(_ slot: Slot) {
        guard slot.pointee.flags.contains(.counted) else { return }
        slot.pointee.flags.remove(.counted)
        self.environment.open.leave()
    }

    /// The end of a connection whose record is written.
    mutating func release(_ slot: Slot) {
        self.counters.subtract(.active)
        self.free(slot)
    }

    /// Frees the slot and all it holds, after its connection was taken off the count.
    mutating func free(_ slot: Slot) {
        self.leaveUpstream(slot)
        self.leaveCount(slot)
        if slot.pointee.clientFD >= 0 { _ = cl_close(slot.pointee.clientFD) }
        if !self.announced.isEmpty { self.announced[slot.pointee.index] = nil }
        if let name = slot.pointee.name { self.names.giveBack(name, count: Int(slot.pointee.nameLength)) }
        slot.pointee.name = nil
        self.timers.cancel(Int(slot.pointee.index))
        self.dropTable(slot.pointee.table)
        self.slab.free(slot)
    }
}

// Records. The only part of the loop that makes strings.
extension Worker {
    func serverName(_ slot: Slot) -> String? {
        slot.pointee.name.map { String(decoding: UnsafeBufferPointer(start: $0, count: Int(slot.pointee.nameLength)), as: UTF8.self) }
    }

    /// When a moment of the loop's clock was on the wall's.
    func date(_ moment: Int64) -> Date {
        Date(timeIntervalSince1970: Double(cl_realtime_ns() - (cl_monotonic_ns() - moment)) / 1e9)
    }

    struct Names {
        var listener = ""
        var origin: String?
        var action: Action?
        var cluster: String?
        var endpoint: String?
    }

    func names(_ slot: Slot) -> Names {
        var names = Names()
        guard let table = self.tables[Int(slot.pointee.table)], slot.pointee.listener >= 0 else { return names }
        let listener = table.live.compiled.listeners[Int(slot.pointee.listener)]
        names.listener = listener.name
        guard slot.pointee.route >= 0 else { return names }
        names.origin = listener.origins[Int(slot.pointee.route)]
        names.action = listener.actions[Int(slot.pointee.route)]
        names.cluster = names.action?.cluster
        if slot.pointee.cluster >= 0, slot.pointee.place >= 0 {
            let endpoint = table.live.upstreams[Int(slot.pointee.cluster)].endpoints[Int(slot.pointee.place)]
            names.endpoint =
                endpoint.address.contains(":") ? "[\(endpoint.address)]:\(endpoint.port)" : "\(endpoint.address):\(endpoint.port)"
        }
        return names
    }

    private func detail(_ slot: Slot, _ verdict: ConnectionRecord.Verdict) -> String? {
        switch verdict {
        case .refused(.malformedProxyHeader): return ProxyHeaderProblem(rawValue: slot.pointee.lastError)?.description
        case .refused(.overloaded) where slot.pointee.lastError == ENOMEM:
            return self.environment.memory.problem ?? SystemError.text(ENOMEM)
        case .refused(.connectFailed), .refused(.overloaded):
            return slot.pointee.lastError > 0 ? SystemError.text(slot.pointee.lastError) : nil
        case .refused(.nameNotResolved): return self.hosts[self.host(slot) ?? ""]?.problem
        case .refused(.addressDenied):
            let cluster = self.tables[Int(slot.pointee.table)]!.live.upstreams[Int(slot.pointee.cluster)]
            let denied = self.hosts[self.host(slot) ?? ""]?.addresses.first { !cluster.permits($0) }
            return denied.map { "\($0.address) may not be dialled" }
        case .refused(.clusterConnectionLimit):
            let cluster = self.tables[Int(slot.pointee.table)]!.live.upstreams[Int(slot.pointee.cluster)]
            return cluster.cluster.maxConnections.map { "maxConnections is \($0)" }
        case .refused(.connectionLimit): return "maxConnections is \(self.environment.open.limit)"
        default: return nil
        }
    }

    /// The host name of the endpoint that was tried last.
    private func host(_ slot: Slot) -> String? {
        guard slot.pointee.cluster >= 0, slot.pointee.place >= 0 else { return nil }
        return self.tables[Int(slot.pointee.table)]!.live.upstreams[Int(slot.pointee.cluster)].endpoints[Int(slot.pointee.place)].address
    }

    private func record(_ slot: Slot, _ verdict: ConnectionRecord.Verdict, _ reason: CloseReason, suppressed: Int) {
        let names = self.names(slot)
        let connected = slot.pointee.connectedAt
        self.environment.records.record(
            ConnectionRecord(
                id: ConnectionID(rawValue: slot.pointee.id), listener: names.listener, client: slot.pointee.client,
                serverName: self.serverName(slot), verdict: verdict, origin: names.origin, cluster: names.cluster,
                endpoint: names.endpoint, caller: nil, openedAt: self.date(slot.pointee.openedAt),
                duration: .nanoseconds(self.now - slot.pointee.openedAt),
                connectDuration: connected > 0 ? .nanoseconds(connected - slot.pointee.connectStartedAt) : nil,
                bytesIn: slot.pointee.forward.moved, bytesOut: slot.pointee.backward.moved, closeReason: reason,
                detail: self.detail(slot, verdict),
                suppressed: suppressed))
    }
}
