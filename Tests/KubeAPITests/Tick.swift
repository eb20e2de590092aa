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
