import Routing
import Synchronization

/// What one worker counts. Only its thread writes, with plain loads and stores (relaxed atomics, so that a scrape may read
/// at any time): no lock, no bus traffic between workers.
final class WorkerCounters: Sendable {
    enum Number: Int, CaseIterable {
        case accepted, allowed, active, bytesIn, bytesOut, connectFailures
    }

    enum Distribution: Int, CaseIterable {
        case connectSeconds, helloSeconds, helloBytes

        /// Undivided.
        var bounds: [UInt64] {
            switch self {
            case .connectSeconds: [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000]
            case .helloSeconds: [100, 1_000, 10_000, 100_000, 1_000_000, 5_000_000]
            case .helloBytes: [256, 512, 1_024, 1_536, 2_048, 4_096, 8_192, 16_384]
            }
        }

        /// Durations are counted in microseconds and shown in seconds. A divisor, because 100 / 1,000,000 is exactly the
        /// double that prints as 0.0001, which 100 * 1e-6 is not.
        var divisor: Double { self == .helloBytes ? 1 : 1_000_000 }
    }

    private static let reasons = Array(RefusalReason.allCases)
    private static let firstReason = Number.allCases.count
    private static let firstDistribution = WorkerCounters.firstReason + WorkerCounters.reasons.count
    /// Per distribution: up to 15 buckets and the sum.
    private static let distributionStride = 16
    private static let size = WorkerCounters.firstDistribution + Distribution.allCases.count * WorkerCounters.distributionStride
    private static let reasonIndex: [RefusalReason: Int] = Dictionary(
        uniqueKeysWithValues: zip(WorkerCounters.reasons, WorkerCounters.reasons.indices))

    /// Never moves and lives as long as `self`; its elements are atomics, so sharing it is sound.
    nonisolated(unsafe) private let cells: UnsafeMutablePointer<Atomic<UInt64>>

    /// Of each distribution `distributionStride` bounds, the last ones out of reach. Never changed.
    nonisolated(unsafe) private let bounds: UnsafePointer<UInt64>

    init() {
        let bounds = UnsafeMutablePointer<UInt64>.allocate(capacity: Distribution.allCases.count * Self.distributionStride)
        bounds.initialize(repeating: .max, count: Distribution.allCases.count * Self.distributionStride)
        for distribution in Distribution.allCases {
            for (bucket, bound) in distribution.bounds.enumerated() {
                bounds[distribution.rawValue * Self.distributionStride + bucket] = bound
            }
        }
        self.bounds = UnsafePointer(bounds)
        self.cells = .allocate(capacity: Self.size)
        for index in 0..<Self.size { (self.cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        self.cells.deinitialize(count: Self.size)
        self.cells.deallocate()
        self.bounds.deallocate()
    }

    @inline(__always)
    private func bump(_ index: Int, _ amount: UInt64) {
        self.cells[index].store(self.cells[index].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    func add(_ number: Number, _ amount: UInt64 = 1) { self.bump(number.rawValue, amount) }
    func subtract(_ number: Number) { self.bump(number.rawValue, .max) }
    func refused(_ reason: RefusalReason) { self.bump(Self.firstReason + (Self.reasonIndex[reason] ?? 0), 1) }

    func observe(_ distribution: Distribution, _ value: UInt64) {
        let base = Self.firstDistribution + distribution.rawValue * Self.distributionStride
        let bounds = self.bounds + distribution.rawValue * Self.distributionStride
        var bucket = 0
        while value > bounds[bucket] { bucket += 1 }
        self.bump(base + bucket, 1)
        self.bump(base + Self.distributionStride - 1, value)
    }

    private func value(_ index: Int) -> UInt64 { self.cells[index].load(ordering: .relaxed) }

    /// Adds what this worker counted to a sum.
    func merge(into sum: inout RelayCounters) {
        sum.accepted += self.value(Number.accepted.rawValue)
        sum.allowed += self.value(Number.allowed.rawValue)
        sum.active += Int(truncatingIfNeeded: self.value(Number.active.rawValue))
        sum.bytesIn += self.value(Number.bytesIn.rawValue)
        sum.bytesOut += self.value(Number.bytesOut.rawValue)
        sum.connectFailures += self.value(Number.connectFailures.rawValue)
        for (index, reason) in Self.reasons.enumerated() { sum.refused[reason, default: 0] += self.value(Self.firstReason + index) }
        self.merge(.connectSeconds, into: &sum.connectSeconds)
        self.merge(.helloSeconds, into: &sum.helloSeconds)
        self.merge(.helloBytes, into: &sum.helloBytes)
    }

    private func merge(_ distribution: Distribution, into sum: inout RelayCounters.Histogram) {
        let bounds = distribution.bounds
        if sum.counts.isEmpty {
            sum.bounds = bounds.map { Double($0) / distribution.divisor }
            sum.counts = Array(repeating: 0, count: bounds.count + 1)
        }
        let base = Self.firstDistribution + distribution.rawValue * Self.distributionStride
        for bucket in sum.counts.indices { sum.counts[bucket] += self.value(base + bucket) }
        sum.sum += Double(self.value(base + Self.distributionStride - 1)) / distribution.divisor
    }
}
