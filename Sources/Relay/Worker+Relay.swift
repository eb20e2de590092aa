import CLinux
import Glibc

extension Worker {
    /// How often to look whether all is sent before a reset.
    private static var resetStep: Int64 { 10_000_000 }

    /// Reads per direction and turn, so that one busy connection doesn't keep the others waiting.
    private static let readsPerTurn = 8
    /// Asked of one splice. A pipe's capacity is a number of slots: pages that lie together share one, so it often takes more than
    /// its size in bytes.
    private static let spliceSize = 1 << 20
    /// A read that fills this much means that more is in flight than copying is good for.
    private static let bulkThreshold = ChunkPool.chunkSize

    private enum Pumped {
        /// Nothing to do before an event.
        case waiting
        /// The share of this turn is used up.
        case more
        /// All was passed on just now; the end itself is still to be said.
        case ended
        case done
        case sourceFailed
        /// The destination has ended its own half before, and takes no more.
        case destinationClosed
        /// Whether it has ended before, only `announced` knows.
        case destinationReset
    }

    mutating func relay(_ slot: Slot, clientEvents: UInt32, upstreamEvents: UInt32) {
        self.note(clientEvents, &slot.pointee.forward, &slot.pointee.backward)
        self.note(upstreamEvents, &slot.pointee.backward, &slot.pointee.forward)
        let before = (slot.pointee.forward.moved, slot.pointee.backward.moved)

        let forward = self.pump(&slot.pointee.forward, from: slot.pointee.clientFD, to: slot.pointee.upstreamFD)
        // Before the other way is read: the write has taken the error that told of the reset, and the read would find a clean end.
        Self.noteCutOff(forward, &slot.pointee.backward.flags)
        let backward = self.pump(&slot.pointee.backward, from: slot.pointee.upstreamFD, to: slot.pointee.clientFD)
        Self.noteCutOff(backward, &slot.pointee.forward.flags)

        if slot.pointee.forward.flags.union(slot.pointee.backward.flags).contains(.borrowed) { self.queueUnsent(slot) }
        let movedIn = slot.pointee.forward.moved &- before.0
        let movedOut = slot.pointee.backward.moved &- before.1
        if movedIn | movedOut != 0 {
            slot.pointee.lastActivity = self.now
            self.counters.add(.bytesIn, movedIn)
            self.counters.add(.bytesOut, movedOut)
        }
        // Where both ways are over, closing says it.
        if case .ended = forward, !slot.pointee.backward.flags.contains(.done) { _ = cl_shutdown_write(slot.pointee.upstreamFD) }
        if case .ended = backward, !slot.pointee.forward.flags.contains(.done) { _ = cl_shutdown_write(slot.pointee.clientFD) }
        self.conclude(slot, forward, backward, clientEvents: clientEvents, upstreamEvents: upstreamEvents)
    }

    /// Events of one socket: it is the source of one direction and the destination of the other.
    private func note(_ events: UInt32, _ asSource: inout Direction, _ asDestination: inout Direction) {
        let over = events & (CL_EPOLLHUP | CL_EPOLLERR)
        if over != 0 || events & CL_EPOLLRDHUP != 0 {
            asSource.flags.insert(over == 0 ? [.readable, .hungUp, .announced] : [.readable, .hungUp])
        }
        // What emptied the socket in this turn has taken the bytes that this event is about: it was there before the turn began.
        if events & CL_EPOLLIN != 0, asSource.emptiedIn != self.turnNumber { asSource.flags.insert(.readable) }
        if over != 0 || events & CL_EPOLLOUT != 0 { asDestination.flags.insert(.writable) }
    }

    private mutating func conclude(_ slot: Slot, _ forward: Pumped, _ backward: Pumped, clientEvents: UInt32, upstreamEvents: UInt32) {
        // A side that can't be read is gone: the other learns it in the same way, by a reset.
        if case .sourceFailed = forward { return self.resetWhenSent(slot, .clientReset) }
        if case .sourceFailed = backward { return self.resetWhenSent(slot, .upstreamReset) }
        // A side that can't be written to may have said something before (an answer ahead of the request's end): that is
        // still passed on.
        let isForwardBroken = self.breakDirection(&slot.pointee.forward, slot, .upstreamBroken, forward)
        let isBackwardBroken = self.breakDirection(&slot.pointee.backward, slot, .clientBroken, backward)

        let forwardDone = slot.pointee.forward.flags.contains(.done)
        let backwardDone = slot.pointee.backward.flags.contains(.done)
        if forwardDone && backwardDone {
            let isBroken = !slot.pointee.flags.isDisjoint(with: [.upstreamBroken, .clientBroken])
            guard isBroken else {
                // Our end went out before, and the upstream's was its answer.
                if case .done = forward { self.keepUpstreamSocket(slot) }
                return self.close(slot, .finished)
            }
            if slot.pointee.flags.isSuperset(of: [.upstreamBroken, .clientBroken]) { return self.close(slot, .clientReset) }
            if slot.pointee.flags.contains(.upstreamBroken) { return self.lingerAfterUpstreamReset(slot) }
            return self.reset(slot, .clientReset)
        }
        // Nothing is read any more from a side that has ended, so its reset shows here alone.
        if clientEvents & CL_EPOLLERR != 0, slot.pointee.forward.flags.contains(.ended), cl_socket_error(slot.pointee.clientFD) != 0 {
            return self.reset(slot, .clientReset)
        }
        if upstreamEvents & CL_EPOLLERR != 0, slot.pointee.backward.flags.contains(.ended),
            cl_socket_error(slot.pointee.upstreamFD) != 0
        {
            return self.reset(slot, .upstreamReset)
        }
        if !slot.pointee.backward.flags.contains(.writable) { self.pollClientRoom(slot) }
        switch (forward, backward) {
        case (.more, _), (_, .more): self.queue(slot)
        default: if isForwardBroken || isBackwardBroken { self.queue(slot) }
        }
    }

    /// A reset throws away what the kernel hasn't sent yet, such as the end of an answer: that gets a moment to leave.
    mutating func resetWhenSent(_ slot: Slot, _ reason: CloseReason) {
        let receiver = reason == .clientReset ? slot.pointee.upstreamFD : slot.pointee.clientFD
        guard cl_unsent(receiver) > 0, self.now - slot.pointee.lastActivity < self.limits.linger else {
            return self.reset(slot, reason)
        }
        slot.pointee.flags.insert(.resetting)
        self.setDeadline(slot, after: Self.resetStep)
    }

    private static func noteCutOff(_ pumped: Pumped, _ other: inout Direction.Flags) {
        if case .destinationReset = pumped, !other.contains(.announced) { other.insert(.cutOff) }
    }

    /// Gives up writing in a direction whose destination takes no more; the other one is read to its end. False where it does.
    private mutating func breakDirection(
        _ direction: inout Direction, _ slot: Slot, _ flag: Connection.Flags, _ pumped: Pumped
    ) -> Bool {
        var other = flag == .upstreamBroken ? slot.pointee.backward.flags : slot.pointee.forward.flags
        switch pumped {
        case .destinationClosed, .destinationReset: break
        default: return false
        }
        other.insert([.readable, .hungUp])
        self.releaseBuffers(&direction)
        direction.flags.insert([.ended, .done])
        slot.pointee.flags.insert(flag)
        if flag == .upstreamBroken { slot.pointee.backward.flags = other } else { slot.pointee.forward.flags = other }
        return true
    }

    /// Moves what can be moved one way.
    ///
    /// Small messages are received into the worker's buffer and sent on at once. A receive that fills the buffer shows
    /// that much is in flight: from then on pages move through a pipe (splice) until reads get small again. What the
    /// destination has no room for waits in a chunk, or in the pipe, and nothing more is read meanwhile: the kernel's
    /// window tells the sender.
    private mutating func pump(_ direction: inout Direction, from source: Int32, to destination: Int32) -> Pumped {
        if direction.flags.contains(.done) { return .done }
        var reads = 0
        while true {
            if direction.heldEnd > direction.heldStart || direction.pipeBytes > 0 {
                guard direction.flags.contains(.writable) else { return .waiting }
                if let failure = self.flush(&direction, to: destination) { return failure }
                continue
            }
            if direction.flags.contains(.ended) {
                self.releaseBuffers(&direction)
                if direction.flags.contains(.failed) { return .sourceFailed }
                direction.flags.insert(.done)
                return .ended
            }
            guard direction.flags.contains(.readable) else {
                self.releaseBuffers(&direction)
                return .waiting
            }
            guard reads < Self.readsPerTurn else { return .more }
            let isBulk = direction.flags.contains(.bulk) && self.takePipe(&direction)
            reads += isBulk ? Self.readsPerTurn / 2 : 1
            if isBulk {
                self.fillPipe(&direction, from: source)
            } else if self.turn.hasRoom, direction.flags.contains(.writable) {
                if self.receiveForTurn(&direction, from: source) { return .waiting }
            } else {
                if let failure = self.receive(&direction, from: source, to: destination) { return failure }
            }
        }
    }

    private mutating func takePipe(_ direction: inout Direction) -> Bool {
        if direction.pipe < 0, let pipe = self.pipes.take() { direction.pipe = pipe }
        return direction.pipe >= 0
    }

    /// Writes what waits. Nil when progress was made.
    private mutating func flush(_ direction: inout Direction, to destination: Int32) -> Pumped? {
        let moved: Int
        if direction.heldEnd > direction.heldStart {
            let count = Int(direction.heldEnd - direction.heldStart)
            moved = self.send(&direction, direction.held! + Int(direction.heldStart), count, to: destination)
            if moved > 0 {
                direction.heldStart += UInt16(moved)
                // At once: the next receive may go elsewhere, and a place in the turn buffer is no longer ours.
                if moved == count { self.releaseHeld(&direction) }
            }
        } else {
            Self.endDelay(&direction, destination)
            moved = cl_splice(self.pipes[direction.pipe].readEnd, destination, Int(direction.pipeBytes))
            if moved > 0 { direction.pipeBytes -= Int32(moved) }
        }
        if moved > 0 {
            direction.moved &+= UInt64(moved)
            return nil
        }
        if moved == -Int(EINTR) { return nil }
        if moved == -Int(EAGAIN) {
            direction.flags.remove(.writable)
            return .waiting
        }
        // After a part was moved splice drops the error that ended it, and EPIPE comes whatever that was.
        return direction.pipeBytes > 0 ? .destinationReset : Self.sendFailed(moved)
    }

    /// EPIPE: there was an end, and a reset after it (tcp_reset in Linux). Whatever else: there was none.
    private static func sendFailed(_ status: Int) -> Pumped { status == -Int(EPIPE) ? .destinationClosed : .destinationReset }

    private mutating func fillPipe(_ direction: inout Direction, from source: Int32) {
        let pipe = self.pipes[direction.pipe]
        let count = cl_splice(source, pipe.writeEnd, Self.spliceSize)
        if count > 0 {
            direction.pipeBytes = Int32(count)
            if count < Self.bulkThreshold { direction.flags.remove(.bulk) }
        } else {
            Self.readEnded(&direction, count)
        }
    }

    /// Nil when the loop should look again.
    private mutating func receive(_ direction: inout Direction, from source: Int32, to destination: Int32) -> Pumped? {
        let count = cl_recv(source, self.scratch.baseAddress, ChunkPool.chunkSize)
        guard count > 0 else {
            Self.readEnded(&direction, count)
            return nil
        }
        self.noteRead(&direction, count)
        var sent = 0
        if direction.flags.contains(.writable) {
            let status = self.send(&direction, self.scratch.baseAddress!, count, to: destination)
            if status >= 0 {
                sent = status
                direction.moved &+= UInt64(sent)
            } else if status == -Int(EAGAIN) {
                direction.flags.remove(.writable)
            } else if status != -Int(EINTR) {
                return Self.sendFailed(status)
            }
        }
        if sent < count {
            // What is left over fits into one chunk, as it came by one receive.
            self.hold(&direction, self.scratch.baseAddress! + sent, count - sent)
        }
        return nil
    }

    mutating func hold(_ direction: inout Direction, _ bytes: UnsafeRawPointer, _ count: Int) {
        // Whoever receives has nothing held.
        let chunk = self.chunks.take()
        chunk.copyMemory(from: bytes, byteCount: count)
        direction.held = chunk
        direction.heldStart = 0
        direction.heldEnd = UInt16(count)
    }

    private func send(_ direction: inout Direction, _ bytes: UnsafeRawPointer, _ count: Int, to destination: Int32) -> Int {
        if direction.moved > 0 { Self.endDelay(&direction, destination) }
        return cl_send(destination, bytes, count)
    }

    private static func endDelay(_ direction: inout Direction, _ destination: Int32) {
        guard direction.flags.contains(.nagle) else { return }
        direction.flags.remove(.nagle)
        _ = cl_set_no_delay(destination)
    }

    func noteRead(_ direction: inout Direction, _ count: Int) {
        if count == ChunkPool.chunkSize {
            direction.flags.insert(.bulk)
        } else if !direction.flags.contains(.hungUp) {
            // A short read emptied the socket (epoll(7)); what comes later makes a new edge.
            direction.flags.remove(.readable)
            direction.emptiedIn = self.turnNumber
        }
    }

    static func readEnded(_ direction: inout Direction, _ status: Int) {
        switch status {
        case 0: direction.flags.insert(direction.flags.contains(.cutOff) ? [.ended, .failed] : .ended)
        case -Int(EINTR): break
        case -Int(EAGAIN): direction.flags.remove(.readable)
        default: direction.flags.insert([.ended, .failed])
        }
    }

    mutating func releaseBuffers(_ direction: inout Direction) {
        if direction.pipe >= 0 {
            self.pipes.giveBack(direction.pipe, isEmpty: direction.pipeBytes == 0)
            direction.pipe = -1
            direction.pipeBytes = 0
        }
        self.releaseHeld(&direction)
    }

    private mutating func releaseHeld(_ direction: inout Direction) {
        if let chunk = direction.held {
            if direction.flags.contains(.borrowed) { direction.flags.remove(.borrowed) } else { self.chunks.giveBack(chunk) }
            direction.held = nil
            direction.heldStart = 0
            direction.heldEnd = 0
        }
    }
}
