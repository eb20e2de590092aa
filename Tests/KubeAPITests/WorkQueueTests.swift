import KubeAPI
import TestKit
import Testing

@Suite("Work queue")
struct WorkQueueTests {
    private typealias Queue = WorkQueue<String, Tick>

    @Test("The same key merges and the earliest time wins")
    func merging() {
        var queue = Queue()
        queue.add("a", at: Tick(50))
        queue.add("a", at: Tick(10))
        queue.add("a", at: Tick(90))
        #expect(queue.depth == 1)
        #expect(queue.nextDue == Tick(10))
        #expect(queue.take(now: Tick(9)) == nil)
        #expect(queue.take(now: Tick(10)) == "a")
        queue.done("a")
        #expect(queue.isEmpty)
    }

    @Test("A key is never handed out twice at once, and news during work is not lost")
    func exclusive() {
        var queue = Queue()
        queue.add("a", at: Tick(0))
        #expect(queue.take(now: Tick(1)) == "a")
        queue.add("a", at: Tick(1))
        #expect(queue.take(now: Tick(2)) == nil)
        #expect(queue.nextDue == nil)
        queue.done("a")
        #expect(queue.take(now: Tick(2)) == "a")
    }

    @Test("Of several due keys the one due first goes first, and among equals the one added first")
    func order() {
        var queue = Queue()
        queue.add("late", at: Tick(5))
        queue.add("first", at: Tick(1))
        queue.add("second", at: Tick(1))
        #expect((0..<3).map { _ in queue.take(now: Tick(9)) } == ["first", "second", "late"])
    }

    @Test("Failures lengthen the wait, a success resets it, and news does not shorten it")
    func backoff() {
        var queue = Queue(backoff: Backoff(base: .milliseconds(100), cap: .seconds(1)))
        var generator = SeededGenerator(seed: 1)
        for longest in [100, 200, 400, 800, 1000, 1000] {
            queue.add("a", at: Tick(0))
            #expect(queue.take(now: Tick(10_000)) == "a")
            queue.add("a", at: Tick(0))
            let delay = queue.failed("a", now: Tick(10_000), using: &generator)
            #expect(delay >= .milliseconds(longest / 2) && delay <= .milliseconds(longest))
            #expect(queue.nextDue == Tick(10_000).advanced(by: delay))
            #expect(queue.take(now: Tick(100_000)) == "a")
            _ = queue.failed("a", now: Tick(0), using: &generator)
            #expect(queue.take(now: Tick(100_000)) == "a")
            queue.done("a")
            for _ in 0..<(longest == 100 ? 1 : longest == 200 ? 2 : longest == 400 ? 3 : 4) {
                queue.add("a", at: Tick(0))
                _ = queue.take(now: Tick(10_000))
                _ = queue.failed("a", now: Tick(0), using: &generator)
            }
        }
    }

    /// Invariants, checked after every step of 20 000 random ones against a model that is a plain list:
    /// 1. no key is worked on twice at once; 2. a key waits at most once, for its earliest time; 3. what was added is
    /// handed out sooner or later; 4. nothing is handed out early, and always what is due first.
    @Test("A long random run keeps the invariants", arguments: [1, 2, 3] as [UInt64])
    func randomRun(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = WorkQueue<Int, Tick>()
        var due: [Int: Tick] = [:]
        var working: Set<Int> = []
        var now = Tick(0)
        for _ in 0..<20_000 {
            let key = Int.random(in: 0..<12, using: &generator)
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<4:
                let at = now.advanced(by: .milliseconds(Int.random(in: 0..<50, using: &generator)))
                queue.add(key, at: at)
                due[key] = min(due[key] ?? at, at)
            case 4..<7:
                let expected = due.filter { $0.value <= now && !working.contains($0.key) }.map(\.value).min()
                let taken = queue.take(now: now)
                #expect(taken.flatMap { due[$0] } == expected)
                if let taken {
                    #expect(working.insert(taken).inserted)
                    due[taken] = nil
                }
            case 7:
                guard let key = working.min() else { continue }
                working.remove(key)
                queue.done(key)
            case 8:
                guard let key = working.max() else { continue }
                working.remove(key)
                due[key] = now.advanced(by: queue.failed(key, now: now, using: &generator))
            default: now = now.advanced(by: .milliseconds(Int.random(in: 0..<20, using: &generator)))
            }
            #expect(queue.depth == due.count && queue.activeCount == working.count)
            #expect(queue.nextDue == due.filter { !working.contains($0.key) }.values.min())
        }
        for key in working { queue.done(key) }
        var left = Set(due.keys)
        while let key = queue.take(now: now.advanced(by: .seconds(3600))) { left.remove(key) }
        #expect(left.isEmpty)
    }

    @Test("A token bucket lets the burst through and then keeps the pace")
    func bucket() {
        var bucket = TokenBucket<Tick>(perSecond: 10, burst: 3)
        #expect((0..<5).map { _ in bucket.take(now: Tick(0)) } == [.zero, .zero, .zero, .milliseconds(100), .milliseconds(200)])
        #expect(bucket.take(now: Tick(10_000)) == .zero)
        #expect((0..<3).map { _ in bucket.take(now: Tick(10_000)) } == [.zero, .zero, .milliseconds(100)])
    }
}
