package import Routing

/// What the workers counted, summed. Everything only grows, except `active`.
package struct RelayCounters: Sendable {
    package var accepted: UInt64 = 0
    package var allowed: UInt64 = 0
    package var refused: [RefusalReason: UInt64] = [:]
    /// Open client connections, handed-off ones included.
    package var active: Int = 0
    /// Client to upstream, on connections relayed or reported by the hand-off.
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    package var connectFailures: UInt64 = 0
    /// Seconds from the first attempt to the established connection.
    package var connectSeconds = Histogram()
    /// Seconds from accept to the complete hello.
    package var helloSeconds = Histogram()
    /// Wire bytes of hellos.
    package var helloBytes = Histogram()

    package init() {}

    package struct Histogram: Sendable {
        /// Upper bounds, ascending; the last bucket of `counts` is beyond all of them.
        package var bounds: [Double] = []
        /// Not cumulative; one more than `bounds`.
        package var counts: [UInt64] = []
        package var sum: Double = 0
    }
}
