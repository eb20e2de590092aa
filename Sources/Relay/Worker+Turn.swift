import CLinux

// Sending at the end of a turn what was received in it. See `TurnBuffer`.
extension Worker {
    /// True when a small message waits for the end of the turn; else it is held as any other, or there is none.
    mutating func receiveForTurn(_ direction: inout Direction, from source: Int32) -> Bool {
        let bytes = self.turn.free
        let count = cl_recv(source, bytes, ChunkPool.chunkSize)
        guard count > 0 else {
            Self.readEnded(&direction, count)
            return false
        }
        self.noteRead(&direction, count)
        // In the buffer either way: `flush` sends from there, at once or at the end of the turn.
        direction.held = bytes
        direction.heldStart = 0
        direction.heldEnd = UInt16(count)
        direction.flags.insert(.borrowed)
        self.turn.keep(count)
        return count <= TurnBuffer.largestMessage
    }

    mutating func queueUnsent(_ slot: Slot) {
        guard !slot.pointee.flags.contains(.unsent) else { return }
        slot.pointee.flags.insert(.unsent)
        self.turn.wait(Reference(index: slot.pointee.index, generation: slot.pointee.generation))
    }

    mutating func sendTurn() {
        self.turn.end()
        guard !self.turn.waiting.isEmpty else { return }
        for position in self.turn.waiting.indices {
            let reference = self.turn.waiting[position]
            guard let slot = self.slab.slot(Int(reference.index), generation: reference.generation) else { continue }
            if slot.pointee.state == .relaying { self.relay(slot, clientEvents: 0, upstreamEvents: 0) }
            self.keepBorrowed(&slot.pointee.forward)
            self.keepBorrowed(&slot.pointee.backward)
            slot.pointee.flags.remove(.unsent)
        }
        self.turn.clear()
    }

    /// What a destination had no room for outlives the turn in a chunk.
    private mutating func keepBorrowed(_ direction: inout Direction) {
        guard direction.flags.contains(.borrowed) else { return }
        direction.flags.remove(.borrowed)
        let start = direction.held! + Int(direction.heldStart)
        let count = Int(direction.heldEnd - direction.heldStart)
        direction.held = nil
        if count > 0 { self.hold(&direction, start, count) }
    }
}
