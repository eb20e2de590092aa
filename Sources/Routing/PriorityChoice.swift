/// Which priority a connection goes to where connections spill over to the next one before none of a priority's endpoints is left;
/// one look at each priority, best first.
///
/// Of all connections a priority takes its available endpoints / all of them × 100 / threshold, at most what those before it
/// leave. Where all together take less than everything, each takes its part of what they take. (Envoy, "Priority levels".)
package struct PriorityChoice {
    /// The priority's place.
    package private(set) var best: Int?
    /// By the priorities seen so far.
    private var taken = 0
    private let threshold: Int

    private static let everything = 1_000_000

    package init(threshold: Int) { self.threshold = threshold }

    /// Nothing is left for what comes now.
    package var isDecided: Bool { self.taken == Self.everything }

    /// - Parameter all: at least 1.
    package mutating func consider(_ place: Int, available: Int, of all: Int, using generator: inout FastGenerator) {
        let part = min(available * Self.everything * 100 / (all * self.threshold), Self.everything - self.taken)
        if part == 0 { return }
        self.taken += part
        // Each ends up chosen in proportion to its part. The first needs no chance.
        if self.taken == part || generator.next(upperBound: UInt64(self.taken)) < UInt64(part) { self.best = place }
    }
}
