/// Memory for server names, reused last in first out, so that a connection costs no allocation.
struct NamePool: ~Copyable {
    /// Room for most names; longer ones are allocated each for itself.
    private static let blockSize = 56
    private static let mostIdle = 4096
    /// Free blocks; each holds the next one's address.
    private var first: UnsafeMutableRawPointer?
    private var idle = 0

    deinit {
        var block = self.first
        while let free = block {
            block = free.load(as: UnsafeMutableRawPointer?.self)
            free.deallocate()
        }
    }

    mutating func take(_ name: UnsafeRawBufferPointer) -> UnsafeMutablePointer<UInt8> {
        let block: UnsafeMutableRawPointer
        if name.count > Self.blockSize {
            block = .allocate(byteCount: name.count, alignment: 8)
        } else if let free = self.first {
            self.first = free.load(as: UnsafeMutableRawPointer?.self)
            self.idle -= 1
            block = free
        } else {
            block = .allocate(byteCount: Self.blockSize, alignment: 8)
        }
        if let bytes = name.baseAddress { block.copyMemory(from: bytes, byteCount: name.count) }
        return block.assumingMemoryBound(to: UInt8.self)
    }

    mutating func giveBack(_ name: UnsafeMutablePointer<UInt8>, count: Int) {
        let block = UnsafeMutableRawPointer(name)
        guard count <= Self.blockSize, self.idle < Self.mostIdle else {
            block.deallocate()
            return
        }
        block.storeBytes(of: self.first, as: UnsafeMutableRawPointer?.self)
        self.first = block
        self.idle += 1
    }
}
