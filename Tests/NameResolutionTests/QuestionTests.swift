import Routing
import Testing

@testable import NameResolution

@Suite("One question")
struct QuestionTests {
    private let one = IPEndpoint(address: "192.0.2.1", port: 0)!
    private let six = IPEndpoint(address: "2001:db8::1", port: 0)!

    @Test("candidates come in glibc's order")
    func candidates() {
        let list = SearchList(domains: ["ns.svc.cluster.local", "svc.cluster.local"], ndots: 2)
        #expect(list.candidates(for: "x") == ["x.ns.svc.cluster.local", "x.svc.cluster.local", "x"])
        #expect(list.candidates(for: "a.b.c") == ["a.b.c", "a.b.c.ns.svc.cluster.local", "a.b.c.svc.cluster.local"])
        #expect(list.candidates(for: "x.") == ["x"])
        #expect(SearchList(domains: ["."], ndots: 1).candidates(for: "x") == ["x"])
        #expect(list.candidates(for: String(repeating: "a", count: 300)).isEmpty)
        #expect(list.candidates(for: "good.test\0.evil.test").isEmpty)
        // Too long only with a domain.
        #expect(list.candidates(for: String(repeating: "a", count: 250)).count == 1)
    }

    @Test("the first candidate with an address of either family wins")
    func wins() {
        var question = Question(candidates: ["a", "b", "c"])
        #expect(question.begin() == .ask("a"))
        #expect(question.received(.none, .ipv4) == .wait)
        #expect(question.received(.failed("broken"), .ipv6) == .ask("b"))
        #expect(question.early.isEmpty)
        #expect(question.received(.addresses([self.six], ttl: .seconds(9)), .ipv6) == .wait)
        #expect(question.early == [self.six])
        #expect(question.received(.none, .ipv4) == .found([self.six], ttl: .seconds(9)))
    }

    @Test("only denials of every candidate are a denial; silence ends the search")
    func denied() {
        var question = Question(candidates: ["a", "b"])
        _ = question.begin()
        _ = question.received(.none, .ipv4)
        #expect(question.received(.none, .ipv6) == .ask("b"))
        _ = question.received(.none, .ipv4)
        #expect(question.received(.none, .ipv6) == .absent)

        var broken = Question(candidates: ["a", "b"])
        _ = broken.begin()
        _ = broken.received(.failed("broken"), .ipv4)
        #expect(broken.received(.none, .ipv6) == .ask("b"))
        _ = broken.received(.none, .ipv4)
        #expect(broken.received(.none, .ipv6) == .failed("broken"))

        var silent = Question(candidates: ["a", "b"])
        _ = silent.begin()
        _ = silent.received(.none, .ipv4)
        #expect(silent.received(.silent, .ipv6) == .failed("the DNS servers don't answer"))
        var nothing = Question(candidates: [])
        #expect(nothing.begin() == .failed("this is no host name"))
    }
}
