import FoundationEssentials
import JSONModel
import TestKit
import Testing
import YAMLDocument

@testable import DevAPIServer

extension RealServerTests {
    /// Each cross-field rule stands in a definition as CEL, which only a real API server runs, and in Swift, which everything else
    /// runs. That both mean the same, and that schemas are read alike, shows in answers to the same objects.
    @Test("Egret's definitions are held by a real API server as by ours", .enabled(if: Self.assets != nil, "KUBEBUILDER_ASSETS is not set"))
    func definitions() async throws {
        let ours = try await TestAPI(now: Date())
        let definitions = try Self.egretDefinitions()
        try await RealServer.with(assets: try #require(Self.assets)) { real in
            func both(_ exchange: Exchange) async throws -> (ours: (code: Int, body: JSON), real: (code: Int, body: JSON)) {
                (
                    await ours.call(exchange.method, exchange.path, exchange.body, type: exchange.type), try await real.answer(exchange)
                )
            }
            for exchange in [Exchange(.post, "api/v1/namespaces", ["metadata": ["name": "n"]])]
                + definitions.map({ Exchange(.post, "apis/apiextensions.k8s.io/v1/customresourcedefinitions", $0) })
            {
                let answers = try await both(exchange)
                try #require(answers.ours.code == 201 && answers.real.code == 201, "\(exchange.path) \(answers)")
            }
            for (seed, definition) in definitions.enumerated() {
                let path = Self.path(of: definition)
                try await eventually("\(path) is served") { try await real.answer(Exchange(.get, path)).code == 200 ? true : nil }
                var maker = ObjectMaker(definition, seed: UInt64(seed))
                func creation(_ spec: JSON, name: String = "made") -> Exchange {
                    Exchange(.post, name == "made" ? "\(path)?dryRun=All" : path, Self.object(definition, name, spec))
                }
                func flaws(_ spec: JSON) async -> Int {
                    let answer = await ours.call(.post, "\(path)?dryRun=All", creation(spec).body)
                    return answer.code == 201 ? 0 : answer.body.at("details", "causes")?.array?.count ?? .max
                }
                // From chance to soundness, a change at a time.
                var sound = maker.fullSpec()
                var left = await flaws(sound)
                for _ in 0..<5000 where left > 0 {
                    let next = maker.changed(sound, isRepair: true)
                    let found = await flaws(next)
                    if found < left { (sound, left) = (next, found) }
                }
                try #require(left == 0, "no object of \(path) is sound: \(sound)")
                let kept = try await both(creation(sound, name: "kept"))
                try #require(kept.real.code == 201, "\(kept)")

                var (accepted, refused) = (0, 0)
                for index in 0..<Self.objectsPerKind {
                    let spec = index.isMultiple(of: 4) ? maker.spec() : maker.changed(sound)
                    let change = Exchange(
                        .patch, "\(path)/kept?dryRun=All", [["op": "replace", "path": "/spec", "value": spec]],
                        type: PatchForm.json.rawValue)
                    for exchange in [creation(spec), change] {
                        let answers = try await both(exchange)
                        Self.expectSame(answers, exchange)
                        if answers.real.code < 300 { accepted += 1 } else { refused += 1 }
                        if answers.real.code == 201, answers.ours.code == 201 { sound = spec }
                    }
                }
                // Otherwise the objects told nothing.
                #expect(accepted > Self.objectsPerKind / 10 && refused > Self.objectsPerKind / 10, "\(path): \(accepted), \(refused)")
            }
        }
    }

    private static func object(_ definition: JSON, _ name: String, _ spec: JSON) -> JSON {
        let declared = definition["spec"]
        return [
            "apiVersion": JSON("\(declared?["group"]?.string ?? "")/\(declared?["versions"]?[0]?["name"]?.string ?? "")"),
            "kind": declared?.at("names", "kind") ?? "", "metadata": ["name": JSON(name)], "spec": spec,
        ]
    }

    @Test("a real API server refuses the definitions that ours refuses", .enabled(if: Self.assets != nil, "KUBEBUILDER_ASSETS is not set"))
    func unsoundDefinitions() async throws {
        let ours = try await TestAPI(now: Date())
        try await RealServer.with(assets: try #require(Self.assets)) { real in
            for (title, definition) in UnsoundDefinitions.all {
                let exchange = Exchange(.post, "apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All", definition)
                let found = await ours.call(exchange.method, exchange.path, exchange.body)
                let expected = try await real.answer(exchange)
                #expect(Self.flaws(found) == Self.flaws(expected), "\(title)")
            }
        }
    }

    /// The places of what is wrong with a definition; "fine" where nothing is.
    private static func flaws(_ answer: (code: Int, body: JSON)) -> [String] {
        guard let causes = answer.body.at("details", "causes")?.array else { return [answer.code == 201 ? "fine" : "\(answer.body)"] }
        // A real server moves a single version's parts up before it looks at them.
        let moved = [("schema", "validation"), ("additionalPrinterColumns", "additionalPrinterColumns"), ("subresources", "subresources")]
        let places = causes.compactMap { cause in
            moved.reduce(cause["field"]?.string) { $0?.replacing("spec.versions[0].\($1.0)", with: "spec.\($1.1)") }
        }
        return Set(places).sorted()
    }

    private static let objectsPerKind = 200

    private static func egretDefinitions() throws -> [JSON] {
        let folder = "\(Repository.chart)/files/crds"
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { file in
            try YAMLDocument.parseOne(String(decoding: try Data(contentsOf: URL(filePath: "\(folder)/\(file)")), as: UTF8.self), file: file)
        }
    }

    private static func path(of definition: JSON) -> String {
        let spec = definition["spec"]
        let place = spec?["scope"] == "Namespaced" ? "namespaces/n/" : ""
        return "apis/\(spec?["group"]?.string ?? "")/\(spec?["versions"]?[0]?["name"]?.string ?? "")/\(place)"
            + "\(spec?.at("names", "plural")?.string ?? "")"
    }

    private static func expectSame(_ answers: (ours: (code: Int, body: JSON), real: (code: Int, body: JSON)), _ exchange: Exchange) {
        let (found, expected) = (self.account(answers.ours), self.account(answers.real))
        #expect(found == expected, "\(exchange)\n\(found.filter { !expected.contains($0) })\n\(expected.filter { !found.contains($0) })")
    }

    /// What an answer says. The order in which a real server tells several flaws is no order.
    private static func account(_ answer: (code: Int, body: JSON)) -> [String] {
        guard let causes = answer.body.at("details", "causes")?.array else {
            return ["\(answer.code)", Self.settled(answer.body).prettyText]
        }
        // Whoever reads the replicas for a scale complains of what the schema has refused already.
        let told = causes.filter { $0["field"]?.string?.hasPrefix(".") != true }
        return ["\(answer.code)"] + told.map(\.text).sorted()
    }
}
