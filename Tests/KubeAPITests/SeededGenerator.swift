/// SplitMix64: the same run for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// A moment on a clock that only the test turns.
struct Tick: InstantProtocol, Hashable {
    var offset: Duration

    init(_ milliseconds: Int) { self.offset = .milliseconds(milliseconds) }

    func advanced(by duration: Duration) -> Tick {
        var tick = self
        tick.offset += duration
        return tick
    }

    func duration(to other: Tick) -> Duration { other.offset - self.offset }

    static func < (left: Tick, right: Tick) -> Bool { left.offset < right.offset }
}
