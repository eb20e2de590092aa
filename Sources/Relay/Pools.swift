import CLinux

/// Pipes for splicing, taken only while bytes are in flight.
struct PipePool: ~Copyable {
    struct Pipe {
        var readEnd: Int32
        var writeEnd: Int32
        var capacity: Int32
    }

    /// What a fast sender delivers between two turns of the loop. The kernel counts all pipes of an unprivileged user against
    /// 64 MiB and makes further ones tiny, so only the first of a worker are large.
    private static let largeCapacity: Int32 = 1024 * 1024
    private static let largeCount = 16
    private static let wantedCapacity: Int32 = 256 * 1024
    /// Idle pipes kept open.
    private static let maxIdle = 64

    private var pipes: [Pipe] = []
    private var idle: [Int32] = []
    private var unused: [Int32] = []

    deinit {
        for index in self.idle { Self.close(self.pipes[Int(index)]) }
    }

    subscript(_ index: Int32) -> Pipe { self.pipes[Int(index)] }

    /// An empty pipe's position; nil where the process is out of descriptors or pipe memory.
    mutating func take() -> Int32? {
        if let index = self.idle.popLast() { return index }
        var ends: (Int32, Int32) = (-1, -1)
        let status = withUnsafeMutableBytes(of: &ends) { cl_pipe($0.baseAddress!.assumingMemoryBound(to: Int32.self)) }
        guard status == 0 else { return nil }
        let capacity = cl_pipe_grow(ends.1, self.pipes.count < Self.largeCount ? Self.largeCapacity : Self.wantedCapacity)
        let pipe = Pipe(readEnd: ends.0, writeEnd: ends.1, capacity: max(capacity, 4096))
        if let index = self.unused.popLast() {
            self.pipes[Int(index)] = pipe
            return index
        }
        self.pipes.append(pipe)
        return Int32(self.pipes.count - 1)
    }

    mutating func giveBack(_ index: Int32, isEmpty: Bool) {
        if isEmpty && self.idle.count < Self.maxIdle {
            self.idle.append(index)
        } else {
            Self.close(self.pipes[Int(index)])
            self.unused.append(index)
        }
    }

    private static func close(_ pipe: Pipe) {
        _ = cl_close(pipe.readEnd)
        _ = cl_close(pipe.writeEnd)
    }
}

/// Chunks for the bytes a slow receiver has no room for.
struct ChunkPool: ~Copyable {
    static let chunkSize = 16 * 1024
    private static let maxIdle = 64
    private var idle: [UnsafeMutableRawPointer] = []

    deinit { for chunk in self.idle { chunk.deallocate() } }

    mutating func take() -> UnsafeMutableRawPointer {
        self.idle.popLast() ?? .allocate(byteCount: Self.chunkSize, alignment: 64)
    }

    mutating func giveBack(_ chunk: UnsafeMutableRawPointer) {
        if self.idle.count < Self.maxIdle { self.idle.append(chunk) } else { chunk.deallocate() }
    }
}
