import CLinux
import Glibc
import ProxyHeader
import Routing

/// The PROXY protocol, in front of a client's bytes and in front of what goes upstream.
extension Worker {
    /// Looks for the header, and takes exactly it out of the socket: what follows is peeked at as on any listener.
    mutating func readProxyHeader(_ slot: Slot) {
        let count = cl_peek(slot.pointee.clientFD, self.scratch.baseAddress, ProxyHeader.maxBytes)
        guard count > 0 || count == -Int(EAGAIN) || count == -Int(EINTR) else {
            self.refuse(slot, .clientGone)
            return
        }
        let bytes = UnsafeBufferPointer(rebasing: self.scratch.bindMemory(to: UInt8.self)[..<max(0, count)])
        switch ProxyHeader.parse(bytes.span) {
        case .found(let header, let length):
            guard cl_discard(slot.pointee.clientFD, length) == length else {
                self.refuse(slot, .clientGone)
                return
            }
            self.restoreLowWater(slot)
            if let addresses = header.addresses {
                slot.pointee.client = addresses.source
                self.announced[slot.pointee.index] = addresses.destination
            }
            slot.pointee.state = .readingHello
            self.begin(slot)
        case .refused(let problem):
            slot.pointee.lastError = problem.rawValue
            self.refuse(slot, .malformedProxyHeader)
        case .needMoreBytes(let atLeast): self.awaitBytes(slot, atLeast)
        }
    }

    /// Sends the header, where the cluster wants one, on a connection that is just up. A few bytes always fit into an empty
    /// send queue, so anything less than all of them means that the connection is gone.
    func sendProxyHeader(_ slot: Slot) -> Bool {
        guard slot.pointee.forward.flags.contains(.announcesClient) else { return true }
        let header = ProxyHeader(.init(source: slot.pointee.client, destination: self.destination(slot)))
        var storage = InlineArray<52, UInt8>(repeating: 0)
        let fd = slot.pointee.upstreamFD
        // Or the kernel would hold the hello back until the header is acknowledged.
        _ = cl_set_no_delay(fd)
        return withUnsafeMutableBytes(of: &storage) { buffer in
            let count = header.write(to: buffer)
            return cl_send(fd, buffer.baseAddress, count) == count
        }
    }

    /// Where the client meant to connect: what its header says, or else our own address.
    func destination(_ slot: Slot) -> IPEndpoint {
        if !self.announced.isEmpty, let announced = self.announced[slot.pointee.index] { return announced }
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(AF_INET)
        _ = cl_local_address(slot.pointee.clientFD, &storage)
        return IPEndpoint(storage)
    }
}
