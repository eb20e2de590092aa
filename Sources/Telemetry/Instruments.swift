import Synchronization

/// A number that only grows.
package final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    package init() {}

    package func add(_ amount: UInt64 = 1) { self.count.wrappingAdd(amount, ordering: .relaxed) }
    package var value: UInt64 { self.count.load(ordering: .relaxed) }
}

/// A number that goes up and down.
package final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    package init() {}

    package func set(_ value: Double) { self.bits.store(value.bitPattern, ordering: .relaxed) }

    package func add(_ amount: Double) {
        var seen = self.bits.load(ordering: .relaxed)
        while true {
            let wanted = (Double(bitPattern: seen) + amount).bitPattern
            let (done, now) = self.bits.weakCompareExchange(expected: seen, desired: wanted, ordering: .relaxed)
            if done { return }
            seen = now
        }
    }

    package var value: Double { Double(bitPattern: self.bits.load(ordering: .relaxed)) }
}

/// Observations counted by upper bound.
package final class Histogram: Sendable {
    /// Seconds, for what takes from a millisecond to an hour.
    package static let durations: [Double] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600]

    /// Ascending, without infinity.
    private let bounds: [Double]
    /// Not cumulative; the last is everything above the highest bound. Its elements never move and live as long as `self`; they
    /// are atomics, so sharing them is sound.
    nonisolated(unsafe) private let counts: UnsafeMutablePointer<Atomic<UInt64>>
    private let sum = Gauge()

    package init(bounds: [Double]) {
        self.bounds = bounds.sorted()
        self.counts = .allocate(capacity: bounds.count + 1)
        for index in 0...bounds.count { (self.counts + index).initialize(to: Atomic(0)) }
    }

    deinit {
        self.counts.deinitialize(count: self.bounds.count + 1)
        self.counts.deallocate()
    }

    /// Takes no lock. A scrape in between may see the observation in a bucket and not yet in the sum.
    package func observe(_ value: Double) {
        var index = 0
        while index < self.bounds.count && value > self.bounds[index] { index += 1 }
        self.counts[index].wrappingAdd(1, ordering: .relaxed)
        self.sum.add(value)
    }

    package func observe(_ duration: Duration) { self.observe(duration.seconds) }

    package var count: UInt64 { (0...self.bounds.count).reduce(0) { $0 + self.counts[$1].load(ordering: .relaxed) } }

    func samples(labels: [MetricFamily.Label]) -> [MetricFamily.Sample] {
        var samples: [MetricFamily.Sample] = []
        var total: UInt64 = 0
        for index in 0...self.bounds.count {
            total += self.counts[index].load(ordering: .relaxed)
            let bound = index < self.bounds.count ? self.bounds[index] : .infinity
            let le = MetricFamily.Label("le", MetricFamily.number(bound))
            samples.append(.init(suffix: "_bucket", labels: labels + [le], value: Double(total)))
        }
        samples.append(.init(suffix: "_sum", labels: labels, value: self.sum.value))
        samples.append(.init(suffix: "_count", labels: labels, value: Double(total)))
        return samples
    }
}

extension Duration {
    /// The duration in seconds, for metrics and logs.
    package var seconds: Double {
        let (seconds, attoseconds) = self.components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
