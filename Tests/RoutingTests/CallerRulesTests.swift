import Foundation
import Testing

@testable import Routing

@Suite("Caller rules")
struct CallerRulesTests {
    @Test("whoever matches nothing is refused")
    func nothing() {
        #expect(!CallerRules().permits(["spiffe://default/web"]))
        #expect(!CallerRules(allow: ["spiffe://default/api"]).permits(["spiffe://default/web"]))
        #expect(!CallerRules(deny: ["spiffe://default/api"]).permits(["spiffe://default/web"]))
    }

    @Test("patterns cover what is below them, in their own mesh only")
    func patterns() {
        let rules = CallerRules(allow: ["spiffe://default/*"])
        #expect(rules.permits(["spiffe://default/web"]))
        #expect(rules.permits(["spiffe://default/ns/web"]))
        #expect(!rules.permits(["spiffe://default/"]))
        #expect(!rules.permits(["spiffe://default"]))
        #expect(!rules.permits(["spiffe://defaults/web"]))
        #expect(!rules.permits(["spiffe://other/web"]))
        #expect(!CallerRules(allow: ["*"]).permits(["spiffe://default/web"]))
    }

    @Test("exact beats a pattern, a longer pattern a shorter, deny beats allow among equals")
    func precedence() {
        #expect(CallerRules(allow: ["spiffe://m/web"], deny: ["spiffe://m/*"]).permits(["spiffe://m/web"]))
        #expect(!CallerRules(allow: ["spiffe://m/*"], deny: ["spiffe://m/web"]).permits(["spiffe://m/web"]))
        #expect(CallerRules(allow: ["spiffe://m/a/*"], deny: ["spiffe://m/*"]).permits(["spiffe://m/a/b"]))
        #expect(!CallerRules(allow: ["spiffe://m/*"], deny: ["spiffe://m/a/*"]).permits(["spiffe://m/a/b"]))
        #expect(!CallerRules(allow: ["spiffe://m/web"], deny: ["spiffe://m/web"]).permits(["spiffe://m/web"]))
        #expect(!CallerRules(allow: ["spiffe://m/*"], deny: ["spiffe://m/*"]).permits(["spiffe://m/web"]))
    }

    @Test("A rule is about callers with all of its names, the first such rule decides, and one without names is about nobody")
    func names() {
        let rules = CallerRules([
            CallerRule(.deny, ["spiffe://m/web", "kuma://version/v1"]), CallerRule(.allow, ["spiffe://m/web"]),
            CallerRule(.deny, ["kuma://team/*"]), CallerRule(.allow, ["spiffe://m/*"]), CallerRule(.allow, []),
        ])
        #expect(!rules.permits(["spiffe://m/web", "kuma://kuma.io/service/web", "kuma://version/v1"]))
        #expect(rules.permits(["spiffe://m/web", "kuma://version/v2", "kuma://team/x"]))
        #expect(!rules.permits(["spiffe://m/api", "kuma://team/x"]))
        // The value of another tag, whose key goes on.
        #expect(rules.permits(["spiffe://m/api", "kuma://team/x/y"]))
        #expect(!rules.permits(["spiffe://other/api"]))
        #expect(!rules.permits([]))
    }

    @Test("Rules travel as they are, and a rule of neither kind is refused rather than guessed")
    func coding() throws {
        let rules = CallerRules(allow: ["spiffe://m/web kuma://version/v1"], deny: ["spiffe://m/*"])
        let data = try JSONEncoder().encode(rules)
        #expect(try JSONDecoder().decode(CallerRules.self, from: data) == rules)
        #expect(
            try JSONDecoder().decode(CallerRules.self, from: Data(#"[{"deny":["a"]},{"allow":["b","c"]}]"#.utf8))
                == CallerRules([CallerRule(.deny, ["a"]), CallerRule(.allow, ["b", "c"])]))
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(CallerRules.self, from: Data(#"[{"permit":["a"]}]"#.utf8)) }
    }

    @Test("Of rules without an order, more exact names come first, then longer patterns, and deny before allow")
    func exactness() {
        let rules = CallerRules(allow: ["spiffe://m/*", "spiffe://m/web kuma://version/v1", "spiffe://m/api"], deny: ["spiffe://m/web"])
        #expect(
            rules.rules.map(\.names) == [
                ["spiffe://m/web", "kuma://version/v1"], ["spiffe://m/web"], ["spiffe://m/api"], ["spiffe://m/*"],
            ])
    }
}
