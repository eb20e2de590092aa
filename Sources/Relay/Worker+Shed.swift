import CLinux
import Glibc
import Routing

// Out of descriptors, memory or ports: new connections are refused with `overloaded`, those that are open go on, and nothing
// has to be done for it to end.
extension Worker {
    /// How long the listeners rest when not even a refusal is possible.
    private static let pause: Int64 = 100_000_000

    enum Shed { case taken, nobodyThere, impossible }

    /// Out of descriptors: takes one connection with the spare descriptor and refuses it, so that the client learns of it and
    /// the listener doesn't stay ready for ever.
    mutating func shed(_ socket: Socket, _ error: Int32) -> Shed {
        if self.spareFD < 0 { self.spareFD = cl_open_spare() }
        guard self.spareFD >= 0 else { return .impossible }
        _ = cl_close(self.spareFD)
        var storage = sockaddr_storage()
        let fd = cl_accept(socket.fd, &storage)
        if fd >= 0 { self.shed(self.occupy(fd, IPEndpoint(storage), listener: socket.listener), error) }
        self.spareFD = cl_open_spare()
        // Without a descriptor to spare, accept doesn't even say that the queue is empty.
        return fd >= 0 ? .taken : fd == -EAGAIN ? .nobodyThere : .impossible
    }

    /// Refuses without a stay: lingering would hold what there is too little of.
    mutating func shed(_ slot: Slot, _ error: Int32) {
        slot.pointee.lastError = error
        self.refuse(slot, .overloaded)
        if slot.pointee.state == .closing { self.release(slot) }
    }

    /// Takes the listeners out of the epoll set for a moment: they would be ready all the time, and the loop would spin. What
    /// comes meanwhile waits in their queues.
    mutating func pauseAccepting() {
        guard self.acceptPauseEnd == nil else { return }
        self.acceptPauseEnd = self.now + Self.pause
        for socket in self.sockets { if let socket { _ = cl_epoll_remove(self.epoll, socket.fd) } }
    }

    mutating func resumeAccepting() {
        self.acceptPauseEnd = nil
        for (position, socket) in self.sockets.enumerated() {
            // One that came during the pause is there already.
            if let socket { _ = cl_epoll_add(self.epoll, socket.fd, CL_EPOLLIN, Self.tag(.listener, Int32(position), 0)) }
        }
    }
}
