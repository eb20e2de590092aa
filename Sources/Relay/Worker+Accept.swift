import CLinux
import Glibc
import Routing

extension Worker {
    private static let acceptsPerTurn = 64

    /// Takes what is queued on a listener, a share of it per turn: the listener is level-triggered and says so again.
    mutating func acceptAll(_ position: Int, untilEmpty: Bool = false) {
        guard position < self.sockets.count, let socket = self.sockets[position] else { return }
        var storage = sockaddr_storage()
        var count = 0
        // Even a flood of new ones can't keep a listener from closing.
        let limit = untilEmpty ? 2 * Int(ListenerSockets.backlog) : Self.acceptsPerTurn
        while count < limit {
            let fd = cl_accept(socket.fd, &storage)
            if fd >= 0 {
                count += 1
                self.open(fd, IPEndpoint(storage), listener: socket.listener)
                continue
            }
            switch -fd {
            case EAGAIN: return
            // The connection failed while it was queued; the next may be fine.
            case ECONNABORTED, EINTR, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM:
                count += 1
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                if self.idleSockets.closeAll() { continue }
                switch self.shed(socket, -fd) {
                case .taken: count += 1
                case .nobodyThere: return
                case .impossible: return self.pauseAccepting()
                }
            default: return self.pauseAccepting()
            }
        }
    }

    mutating func occupy(_ fd: Int32, _ client: IPEndpoint, listener: Int32) -> Slot {
        let slot = self.slab.take()
        self.serial &+= 1
        slot.pointee.id = UInt64(self.environment.number) << 48 | (self.serial & 0xFFFF_FFFF_FFFF)
        slot.pointee.openedAt = self.now
        slot.pointee.lastActivity = self.now
        slot.pointee.client = client
        slot.pointee.clientFD = fd
        slot.pointee.table = self.current
        slot.pointee.listener = listener
        slot.pointee.state = .readingHello
        self.tables[Int(self.current)]!.references += 1
        self.counters.add(.accepted)
        self.counters.add(.active)
        return slot
    }

    private mutating func open(_ fd: Int32, _ client: IPEndpoint, listener: Int32) {
        let slot = self.occupy(fd, client, listener: listener)
        if fd >= self.environment.descriptors.clients { return self.shed(slot, EMFILE) }
        if self.environment.memory.isShort(now: self.now) { return self.shed(slot, ENOMEM) }
        guard self.environment.open.enter() else {
            self.refuse(slot, .connectionLimit)
            return
        }
        slot.pointee.flags.insert(.counted)
        if self.listener(slot).takesProxyHeader {
            slot.pointee.state = .readingProxyHeader
            self.readProxyHeader(slot)
        } else {
            self.begin(slot)
        }
    }

    /// With the client's first own byte, whether it is there or not.
    mutating func begin(_ slot: Slot) {
        if self.listener(slot).clients == .plain {
            self.follow(slot, route: 0)
        } else {
            // Usually the hello is there already, and the socket needs no polling before the verdict.
            self.readHello(slot)
        }
    }

    /// Adds the client's socket to the epoll set, if it isn't there. False where the kernel has no room for one more: nobody
    /// would tell of its events.
    @discardableResult
    mutating func pollClient(_ slot: Slot) -> Bool {
        guard !slot.pointee.flags.contains(.clientPolled) else { return true }
        let status = cl_epoll_add(self.epoll, slot.pointee.clientFD, Self.clientEvents, Self.clientTag(slot))
        guard status == 0 else {
            slot.pointee.lastError = -status
            return false
        }
        slot.pointee.flags.insert(.clientPolled)
        return true
    }

    /// Room to write is asked for once it is missing: a fresh socket has room, and would say so to no purpose.
    mutating func pollClientRoom(_ slot: Slot) {
        guard slot.pointee.flags.contains(.clientPolled), !slot.pointee.flags.contains(.clientRoomPolled) else { return }
        slot.pointee.flags.insert(.clientRoomPolled)
        _ = cl_epoll_modify(self.epoll, slot.pointee.clientFD, Self.clientEvents | CL_EPOLLOUT, Self.clientTag(slot))
    }

    private static var clientEvents: UInt32 { CL_EPOLLIN | CL_EPOLLRDHUP | CL_EPOLLET }
    private static func clientTag(_ slot: Slot) -> UInt64 { Self.tag(.client, slot.pointee.index, slot.pointee.generation) }
}
