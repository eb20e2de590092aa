/// Counts of durations by the microsecond, up to 200 ms.
struct Latencies {
    private var counts = [UInt32](repeating: 0, count: 200_000)
    private var total = 0
    private(set) var longest: Int64 = 0

    mutating func record(nanoseconds: Int64) {
        self.counts[min(self.counts.count - 1, max(0, Int(nanoseconds / 1000)))] += 1
        self.total += 1
        if nanoseconds > self.longest { self.longest = nanoseconds }
    }

    /// The microseconds that `share` of the durations stay within.
    func quantile(_ share: Double) -> Double {
        var left = Int(Double(self.total) * share)
        for (microseconds, count) in self.counts.enumerated() {
            left -= Int(count)
            if left < 0 { return Double(microseconds) }
        }
        return Double(self.longest) / 1000
    }

    mutating func reset() {
        for index in self.counts.indices { self.counts[index] = 0 }
        self.total = 0
        self.longest = 0
    }
}
