import Testing

@testable import Routing

@Suite("Caller rules")
struct CallerRulesTests {
    @Test("whoever matches nothing is refused")
    func nothing() {
        #expect(!CallerRules().permits("spiffe://default/web"))
        #expect(!CallerRules(allow: ["spiffe://default/api"]).permits("spiffe://default/web"))
        #expect(!CallerRules(deny: ["spiffe://default/api"]).permits("spiffe://default/web"))
    }

    @Test("patterns cover what is below them, in their own mesh only")
    func patterns() {
        let rules = CallerRules(allow: ["spiffe://default/*"])
        #expect(rules.permits("spiffe://default/web"))
        #expect(rules.permits("spiffe://default/ns/web"))
        #expect(!rules.permits("spiffe://default/"))
        #expect(!rules.permits("spiffe://default"))
        #expect(!rules.permits("spiffe://defaults/web"))
        #expect(!rules.permits("spiffe://other/web"))
        #expect(!CallerRules(allow: ["*"]).permits("spiffe://default/web"))
    }

    @Test("exact beats a pattern, a longer pattern a shorter, deny beats allow among equals")
    func precedence() {
        #expect(CallerRules(allow: ["spiffe://m/web"], deny: ["spiffe://m/*"]).permits("spiffe://m/web"))
        #expect(!CallerRules(allow: ["spiffe://m/*"], deny: ["spiffe://m/web"]).permits("spiffe://m/web"))
        #expect(CallerRules(allow: ["spiffe://m/a/*"], deny: ["spiffe://m/*"]).permits("spiffe://m/a/b"))
        #expect(!CallerRules(allow: ["spiffe://m/*"], deny: ["spiffe://m/a/*"]).permits("spiffe://m/a/b"))
        #expect(!CallerRules(allow: ["spiffe://m/web"], deny: ["spiffe://m/web"]).permits("spiffe://m/web"))
        #expect(!CallerRules(allow: ["spiffe://m/*"], deny: ["spiffe://m/*"]).permits("spiffe://m/web"))
    }
}
