import CLinux
import FoundationEssentials
import Routing

extension Worker {
    /// Gives the socket, still unread, to the TLS side. It leaves the epoll set first: two loops on one socket would fight.
    mutating func handOff(_ slot: Slot) {
        let fd = slot.pointee.clientFD
        let destination = slot.pointee.forward.flags.contains(.announcesClient) ? self.destination(slot) : nil
        if slot.pointee.flags.contains(.clientPolled) { _ = cl_epoll_remove(self.epoll, fd) }
        self.timers.cancel(Int(slot.pointee.index))
        slot.pointee.flags.remove(.clientPolled)
        slot.pointee.clientFD = -1
        slot.pointee.state = .handedOff

        let names = self.names(slot)
        let index = Int(slot.pointee.index)
        let generation = slot.pointee.generation
        let mailbox = self.environment.mailbox
        let connection = HandedConnection(
            socket: fd, id: ConnectionID(rawValue: slot.pointee.id), client: slot.pointee.client, destination: destination,
            listener: names.listener, serverName: self.serverName(slot), action: names.action!, origin: names.origin ?? "",
            config: self.tables[Int(slot.pointee.table)]!.live.snapshot, openedAt: self.date(slot.pointee.openedAt),
            helloDuration: .nanoseconds(self.now - slot.pointee.openedAt)
        ) { mailbox.post(.handoffFinished(index: index, generation: generation, $0)) }
        self.environment.handoff.take(connection)
    }

    mutating func handoffFinished(_ index: Int, _ generation: UInt32, _ outcome: HandoffOutcome) {
        guard let slot = self.slab.slot(index, generation: generation), slot.pointee.state == .handedOff else { return }
        var suppressed: Int? = 0
        switch outcome.verdict {
        case .allowed:
            self.counters.add(.allowed)
            if !self.environment.options.recordAllowed { suppressed = nil }
        case .refused(let reason):
            self.counters.refused(reason)
            suppressed = self.limiter.permit(reason, now: self.now)
        }
        self.counters.add(.bytesIn, outcome.bytesIn)
        self.counters.add(.bytesOut, outcome.bytesOut)
        if let connect = outcome.connectDuration {
            self.counters.observe(.connectSeconds, UInt64(max(0, connect.nanoseconds)) / 1000)
        }
        // Before the record, as in `close`.
        self.counters.subtract(.active)
        if let suppressed {
            let names = self.names(slot)
            self.environment.records.record(
                ConnectionRecord(
                    id: ConnectionID(rawValue: slot.pointee.id), listener: names.listener, client: slot.pointee.client,
                    serverName: self.serverName(slot), verdict: outcome.verdict, origin: names.origin, cluster: names.cluster,
                    endpoint: outcome.endpoint, caller: outcome.caller, openedAt: self.date(slot.pointee.openedAt),
                    duration: .nanoseconds(self.now - slot.pointee.openedAt), connectDuration: outcome.connectDuration,
                    bytesIn: outcome.bytesIn, bytesOut: outcome.bytesOut, closeReason: outcome.closeReason, detail: outcome.detail,
                    suppressed: suppressed))
        }
        self.free(slot)
    }
}
