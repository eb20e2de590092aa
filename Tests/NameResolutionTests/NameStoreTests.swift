import Routing
import Testing

@testable import NameResolution

/// The rules of what is known, on a clock of the test's.
@Suite("What is known of names")
struct NameStoreTests {
    private var store = NameStore(ResolverPolicy())
    private let one = IPEndpoint(address: "192.0.2.1", port: 0)!
    private let two = IPEndpoint(address: "192.0.2.2", port: 0)!
    private static let second: Int64 = 1_000_000_000

    private mutating func ask(_ name: String, at seconds: Double) -> NameStore.Asked {
        self.store.ask(name, now: Int64(seconds * 1e9)) { _ in }
    }

    @Test("one question serves all who ask while it is under way")
    mutating func joined() {
        #expect(self.ask("a", at: 0).begins)
        #expect(!self.ask("a", at: 0.1).begins)
        #expect(self.ask("b", at: 0.1).begins)
        let delivery = self.store.learned("a", .found([self.one], ttl: .seconds(10)), now: Self.second)
        #expect(delivery?.callbacks.count == 2)
        #expect(delivery?.answer == ResolvedName(addresses: [self.one], validFor: .seconds(10)))
        #expect(self.ask("a", at: 5).answer?.validFor == .seconds(6))
    }

    @Test("a used name is asked for again a tenth of its TTL before the end, an unused one when it is asked for")
    mutating func renewal() {
        _ = self.ask("a", at: 0)
        _ = self.store.learned("a", .found([self.one], ttl: .seconds(10)), now: 0)
        #expect(self.store.nextDue == 9 * Self.second)
        #expect(self.store.due(now: 8 * Self.second).begin.isEmpty)
        #expect(self.store.due(now: 9 * Self.second).begin == ["a"])
        // Still valid meanwhile, and nobody begins a second question.
        let asked = self.ask("a", at: 9.5)
        #expect(asked.answer?.addresses == [self.one] && !asked.begins)
        _ = self.store.learned("a", .found([self.two], ttl: .seconds(10)), now: 10 * Self.second)
        #expect(self.store.nextDue == nil)
        let late = self.ask("a", at: 19.5)
        #expect(late.answer?.addresses == [self.two] && late.begins)
        #expect(self.ask("a", at: 20.2).answer == nil)
    }

    @Test("an expired answer serves after a second of waiting; at once when the last question failed")
    mutating func stale() {
        _ = self.ask("a", at: 0)
        _ = self.store.learned("a", .found([self.one], ttl: .seconds(10)), now: 0)
        #expect(self.ask("a", at: 100).answer == nil)
        #expect(self.store.nextDue == 101 * Self.second)
        #expect(self.store.due(now: 100 * Self.second).deliveries.isEmpty)
        let deliveries = self.store.due(now: 101 * Self.second).deliveries
        #expect(deliveries.count == 1 && deliveries[0].answer.addresses == [self.one])
        _ = self.store.learned("a", .failed("broken"), now: 107 * Self.second)
        #expect(self.ask("a", at: 108).answer == ResolvedName(addresses: [self.one], problem: "broken", validFor: .seconds(4)))
        let after = self.ask("a", at: 113)
        #expect(after.begins && after.answer?.addresses == [self.one])
        _ = self.store.learned("a", .absent, now: 114 * Self.second)
        #expect(self.ask("a", at: 115).answer?.addresses == [])
    }

    @Test("one family does after 50 ms")
    mutating func early() {
        _ = self.ask("a", at: 0)
        self.store.learnedEarly("a", [self.one], now: Self.second)
        #expect(self.store.due(now: Self.second).deliveries.isEmpty)
        #expect(self.store.nextDue == Self.second + 50_000_000)
        #expect(self.store.due(now: Self.second + 50_000_000).deliveries.first?.answer.addresses == [self.one])
        #expect(self.ask("a", at: 1.1).answer?.addresses == [self.one])
        _ = self.store.learned("a", .found([self.two, self.one], ttl: .seconds(10)), now: 2 * Self.second)
        #expect(self.ask("a", at: 2.1).answer?.addresses == [self.two, self.one])
    }

    @Test("names nobody asks for are forgotten after an hour")
    mutating func forgotten() {
        for number in 0..<50 {
            _ = self.ask("n\(number)", at: Double(number))
            _ = self.store.learned("n\(number)", .failed(""), now: Int64(number) * Self.second)
        }
        #expect(self.store.count == 50)
        _ = self.ask("late", at: 3_625)
        #expect(self.store.count == 26)
    }
}
