/// Weighted least connections among the places of the best priority, one look at each.
package struct Choice {
    package private(set) var best: Int?
    private var priority = 0
    private var active = 0
    private var weight = 1
    /// Of the equals seen so far.
    private var weights: UInt64 = 0

    package init() {}

    package mutating func consider(_ place: Int, priority: Int, weight: Int, active: Int, using generator: inout FastGenerator) {
        if self.best != nil {
            if priority > self.priority { return }
            if priority == self.priority {
                // Connections per weight, compared crosswise to stay with integers.
                let mine = active * self.weight
                let others = self.active * weight
                if mine > others { return }
                if mine == others {
                    // Each of the equals ends up chosen in proportion to its weight.
                    self.weights += UInt64(weight)
                    if generator.next(upperBound: self.weights) < UInt64(weight) { self.take(place, priority, weight, active) }
                    return
                }
            }
        }
        self.take(place, priority, weight, active)
        self.weights = UInt64(weight)
    }

    private mutating func take(_ place: Int, _ priority: Int, _ weight: Int, _ active: Int) {
        self.best = place
        self.priority = priority
        self.weight = weight
        self.active = active
    }
}
