import MeshModel
import Routing
import TestKit
import Testing

@testable import Planning

/// Rules about callers, joined and shortened.
@Suite("Callers")
struct CallersTests {
    private static let names = [
        "spiffe://default/web", "spiffe://default/api", "spiffe://default/*", "kuma://version/v1", "kuma://version/v2", "kuma://version/*",
        "kuma://team/x",
    ]
    /// Every certificate there could be: of one or two services, with or without each of the tags.
    private static let certificates: [[String]] = {
        let services = [["spiffe://default/web"], ["spiffe://default/api"], ["spiffe://default/web", "spiffe://default/api"]]
        let tags = ["kuma://version/v1", "kuma://version/v2", "kuma://team/x"]
        return services.flatMap { services in
            (0..<8).map { bits in services + tags.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element) }
        }
    }()

    private func rules(_ generator: inout SeededGenerator) -> CallerRules {
        CallerRules(
            (0..<Int.random(in: 0...5, using: &generator)).map { _ in
                let names = Self.names.shuffled(using: &generator).prefix(.random(in: 1...3, using: &generator))
                return CallerRule(Bool.random(using: &generator) ? .allow : .deny, Array(names))
            })
    }

    @Test("Whoever may use what leads to two services may call both, and shortened rules say the same, for rules by chance")
    func joined() {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<100 {
            let (one, other) = (self.rules(&generator), self.rules(&generator))
            let (both, short) = (one.intersection(other), one.simplified)
            #expect(short.rules.count <= one.rules.count)
            let joined = Self.certificates.filter(both.permits)
            #expect(joined == Self.certificates.filter { one.permits($0) && other.permits($0) }, "\(one) \(other)")
            #expect(Self.certificates.filter(short.permits) == Self.certificates.filter(one.permits), "\(one)")
        }
    }

    @Test("What permissions come to is told in the order in which rules decide")
    func sentence() {
        let rules = CallerRules([
            CallerRule(.deny, ["spiffe://default/web", "kuma://version/v1"]), CallerRule(.allow, ["spiffe://default/web"]),
            CallerRule(.allow, ["spiffe://default/api"]),
        ])
        #expect(
            rules.sentence
                == "Denied: spiffe://default/web with kuma://version/v1; of the others allowed: spiffe://default/web, spiffe://default/api."
        )
    }
}
