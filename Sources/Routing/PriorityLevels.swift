/// The places of a cluster by their priorities, laid out for looking at one priority after the other without references to count.
/// Belongs to one owner, who has to deallocate it.
struct PriorityLevels: @unchecked Sendable {
    let threshold: Int
    /// Priorities; a level is one's position, the best has 0.
    let count: Int
    /// All places in the order of their priorities.
    private let order: UnsafeMutablePointer<Int32>
    /// Where each priority's places end in it.
    private let ends: UnsafeMutablePointer<Int>

    /// Nil where there is but one priority: connections have nowhere to go on to.
    init?(_ endpoints: [Endpoint], threshold: Int) {
        let levels = Dictionary(grouping: endpoints.indices) { endpoints[$0].priority }.sorted { $0.key < $1.key }.map(\.value)
        if levels.count < 2 { return nil }
        self.threshold = min(max(1, threshold), 100)
        self.count = levels.count
        self.order = .allocate(capacity: endpoints.count)
        self.ends = .allocate(capacity: levels.count)
        var end = 0
        for (level, places) in levels.enumerated() {
            for place in places {
                (self.order + end).initialize(to: Int32(place))
                end += 1
            }
            (self.ends + level).initialize(to: end)
        }
    }

    func deallocate() {
        self.order.deallocate()
        self.ends.deallocate()
    }

    func places(of level: Int) -> UnsafeBufferPointer<Int32> {
        let begin = level == 0 ? 0 : self.ends[level - 1]
        return UnsafeBufferPointer(start: self.order + begin, count: self.ends[level] - begin)
    }
}
