import FoundationEssentials
import Routing

// `removedRoutes: cut`: a table that no longer sends a connection where it went ends it.
extension Worker {
    /// Looks at every connection that an earlier table decided. Its route is gone when the current table, for the same listener
    /// and name, has none, or one that does something else: another action, mesh or cluster. Endpoints of a cluster may change
    /// without a cut.
    mutating func cutRemovedRoutes() {
        guard self.tables[Int(self.current)]!.live.snapshot.config.removedRoutes == .cut else { return }
        self.forEachConnection { worker, slot in
            guard slot.pointee.table != worker.current, slot.pointee.route >= 0 else { return }
            worker.cutIfRemoved(slot)
        }
    }

    private mutating func cutIfRemoved(_ slot: Slot) {
        let now = self.actionNow(slot)
        let then = self.names(slot).action
        let isGone = !(now.flatMap { now in then.map { now.leadsWhere($0) } } ?? false)
        switch slot.pointee.state {
        case .resolving, .connecting: if isGone { self.refuse(slot, .noRoute) }
        case .relaying: if isGone { self.close(slot, .routeRemoved) }
        case .handedOff:
            let id = ConnectionID(rawValue: slot.pointee.id)
            if isGone {
                self.environment.handoff.close(id, reason: .routeRemoved)
            } else if case .terminate(_, let callers, _) = now {
                self.environment.handoff.recheck(id, callers: callers)
            }
        case .free, .readingProxyHeader, .readingHello, .closing: break
        }
    }

    /// What the current table would do with the connection; nil: refuse it.
    private func actionNow(_ slot: Slot) -> Action? {
        let table = self.tables[Int(self.current)]!.live
        let earlier = self.tables[Int(slot.pointee.table)]!.live.compiled.listeners[Int(slot.pointee.listener)]
        guard let position = table.bound[ListenerKey(earlier)] else { return nil }
        let name = slot.pointee.name.map { UnsafeRawBufferPointer(start: $0, count: Int(slot.pointee.nameLength)) }
        return table.compiled.listeners[position].action(Int(slot.pointee.route), of: earlier, name: name)
    }
}
