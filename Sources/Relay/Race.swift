import CLinux
import Routing

/// The attempts on a host name's further addresses beside the first one, whose socket is the connection's own. Only names with
/// several addresses whose first is slow or dead have one.
struct Race {
    /// More addresses than this are not tried for one endpoint. Three bits number the runners.
    static let mostAddresses = 8
    /// How long an address has for itself before the next is tried beside it (RFC 8305 section 5, Connection Attempt Delay).
    static let headStart: Int64 = 250_000_000

    /// Changes with each use, so that late events find nobody.
    var generation: UInt32 = 1
    var connection: Worker.Reference?
    /// -1 for one that failed.
    var runners: [Int32] = []

    var isOver: Bool { self.runners.allSatisfy { $0 < 0 } }
}

extension Worker {
    /// Returns 0 or a negative error number.
    mutating func addRunner(_ slot: Slot, _ fd: Int32) -> Int32 {
        if slot.pointee.race < 0 {
            if let free = self.freeRaces.popLast() {
                slot.pointee.race = free
            } else {
                self.races.append(Race())
                slot.pointee.race = Int32(self.races.count - 1)
            }
            self.races[Int(slot.pointee.race)].connection = Reference(
                index: slot.pointee.index, generation: slot.pointee.generation)
        }
        let race = Int(slot.pointee.race)
        let number = self.races[race].runners.count
        self.races[race].runners.append(fd)
        return cl_epoll_add(self.epoll, fd, Self.upstreamEvents, Self.tag(.racer, Int32(race << 3 | number), self.races[race].generation))
    }

    mutating func racerEvent(_ index: Int, _ generation: UInt32, _ events: UInt32) {
        let (race, number) = (index >> 3, index & 7)
        guard race < self.races.count, self.races[race].generation == generation, let reference = self.races[race].connection,
            let slot = self.slab.slot(Int(reference.index), generation: reference.generation), slot.pointee.state == .connecting
        else { return }
        let fd = self.races[race].runners[number]
        guard fd >= 0 else { return }
        let error = events & (CL_EPOLLERR | CL_EPOLLHUP) != 0 ? cl_socket_error(fd) : 0
        if error != 0 {
            _ = cl_close(fd)
            self.races[race].runners[number] = -1
            self.addressFailed(slot, error)
        } else if events & CL_EPOLLOUT != 0 {
            self.races[race].runners[number] = -1
            if slot.pointee.upstreamFD >= 0 { _ = cl_close(slot.pointee.upstreamFD) }
            slot.pointee.upstreamFD = fd
            slot.pointee.upstreamFamily = 0
            _ = cl_epoll_modify(self.epoll, fd, Self.upstreamEvents, Self.upstreamTag(slot))
            self.established(slot, events)
        }
    }

    /// Closes who is still running.
    mutating func endRace(_ slot: Slot) {
        guard slot.pointee.race >= 0 else { return }
        let race = Int(slot.pointee.race)
        slot.pointee.race = -1
        for fd in self.races[race].runners where fd >= 0 { _ = cl_close(fd) }
        self.races[race].runners.removeAll(keepingCapacity: true)
        self.races[race].connection = nil
        self.races[race].generation = (self.races[race].generation &+ 1) & 0x3FFF_FFFF
        self.freeRaces.append(Int32(race))
    }
}
