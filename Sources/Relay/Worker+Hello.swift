import CLinux
import ClientHello
import Glibc
import Routing

extension Worker {
    /// Looks at what the client has sent so far, without taking it out of the socket.
    ///
    /// SO_RCVLOWAT asks the kernel to wake us only when there is enough for another answer, so a client that sends byte by
    /// byte costs it work and not us. The end of the stream wakes us in any case.
    mutating func readHello(_ slot: Slot) {
        let count = cl_peek(slot.pointee.clientFD, self.scratch.baseAddress, self.limits.maxHelloBytes)
        if count < 0 && count != -Int(EAGAIN) && count != -Int(EINTR) {
            self.refuse(slot, .clientGone)
            return
        }
        if count == 0 {
            self.refuseOrPass(slot, .clientGone)
            return
        }
        let bytes = UnsafeBufferPointer(rebasing: self.scratch.bindMemory(to: UInt8.self)[..<max(0, count)])
        switch self.parser.parse(bytes.span) {
        case .found(let hello, let wireBytes): self.decide(slot, hello, wireBytes)
        case .refused(let refusal):
            self.counters.observe(.helloSeconds, UInt64(max(0, self.now - slot.pointee.openedAt)) / 1000)
            if let name = self.parser.refusedName { self.keep(name, slot) }
            self.refuseOrPass(slot, RefusalReason(refusal))
        case .needMoreBytes(let atLeast):
            // It may go on to be TLS, or its client has sent all there is before the server speaks.
            let mayBeTLS = bytes.isEmpty || bytes[0] == ClientHelloParser.firstByte
            if !mayBeTLS, self.listener(slot).clients == .either { return self.refuseOrPass(slot, .notTLS) }
            self.awaitBytes(slot, atLeast)
        }
    }

    /// What is no hello is refused. A permissive listener is for that, too: there the bytes go on as they came. A client that
    /// stays silent until its time is over waits for the server to speak.
    mutating func refuseOrPass(_ slot: Slot, _ reason: RefusalReason) {
        guard self.listener(slot).clients == .either else { return self.refuse(slot, reason) }
        guard self.adoptCurrentTable(slot) else { return self.refuse(slot, .draining) }
        guard let route = self.listener(slot).otherRoute else { return self.refuse(slot, reason) }
        self.restoreLowWater(slot)
        self.follow(slot, route: route)
    }

    /// Sleeps until that many bytes are in the socket, or the time since accept is over.
    mutating func awaitBytes(_ slot: Slot, _ atLeast: Int) {
        if slot.pointee.flags.contains(.clientHungUp) {
            // A header that the listener demands is no matter of taste.
            slot.pointee.state == .readingHello ? self.refuseOrPass(slot, .clientGone) : self.refuse(slot, .clientGone)
            return
        }
        if atLeast > 1 {
            slot.pointee.flags.insert(.lowWaterRaised)
            _ = cl_set_receive_low_water(slot.pointee.clientFD, Int32(atLeast))
        }
        if !slot.pointee.flags.contains(.clientPolled) {
            guard self.pollClient(slot) else { return self.refuse(slot, .overloaded) }
            self.setDeadline(slot, after: self.limits.hello)
        }
    }

    private mutating func decide(_ slot: Slot, _ hello: ClientHello, _ wireBytes: Int) {
        self.counters.observe(.helloBytes, UInt64(wireBytes))
        self.counters.observe(.helloSeconds, UInt64(max(0, self.now - slot.pointee.openedAt)) / 1000)
        self.keep(hello.serverName, slot)
        self.restoreLowWater(slot)
        // The table of the moment decides, not the one at the time of accepting.
        guard self.adoptCurrentTable(slot) else {
            self.refuse(slot, .draining)
            return
        }
        guard let route = self.listener(slot).route(hello) else {
            self.refuse(slot, .noRoute)
            return
        }
        self.follow(slot, route: route)
    }

    func listener(_ slot: Slot) -> LiveListener { self.tables[Int(slot.pointee.table)]!.listeners[Int(slot.pointee.listener)] }

    /// Acts on the route.
    mutating func follow(_ slot: Slot, route: Int) {
        slot.pointee.route = Int32(route)
        let compiled = self.listener(slot).routes[route]
        if compiled.sendsProxyHeader { slot.pointee.forward.flags.insert(.announcesClient) }
        switch compiled.verb {
        case .refuse: self.refuse(slot, .noEndpoint)
        case .terminate, .originate: self.handOff(slot)
        case .passthrough:
            slot.pointee.cluster = compiled.cluster
            slot.pointee.connectStartedAt = self.now
            self.connect(slot)
        }
    }

    /// A name that was refused, for the record.
    private mutating func keep(_ text: String, _ slot: Slot) {
        var text = text
        text.withUTF8 { self.keep(UnsafeRawBufferPointer($0), slot) }
    }

    private mutating func keep(_ name: ServerName, _ slot: Slot) {
        name.withUnsafeBytes { self.keep($0, slot) }
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer, _ slot: Slot) {
        slot.pointee.name = self.names.take(bytes)
        slot.pointee.nameLength = UInt8(bytes.count)
    }

    mutating func restoreLowWater(_ slot: Slot) {
        guard slot.pointee.flags.contains(.lowWaterRaised) else { return }
        slot.pointee.flags.remove(.lowWaterRaised)
        _ = cl_set_receive_low_water(slot.pointee.clientFD, 1)
    }

    /// False when the connection's listener is no longer in it.
    private mutating func adoptCurrentTable(_ slot: Slot) -> Bool {
        guard slot.pointee.table != self.current else { return true }
        let old = slot.pointee.table
        let key = ListenerKey(self.tables[Int(old)]!.live.compiled.listeners[Int(slot.pointee.listener)])
        guard let position = self.tables[Int(self.current)]!.live.bound[key] else { return false }
        self.tables[Int(self.current)]!.references += 1
        slot.pointee.table = self.current
        slot.pointee.listener = Int32(position)
        self.dropTable(old)
        return true
    }
}
