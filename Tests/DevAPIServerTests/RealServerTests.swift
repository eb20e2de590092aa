import FoundationEssentials
import JSONModel
import TestKit
import Testing

@testable import DevAPIServer

/// The same requests to a real API server and to ours have the same answers: what keeps the development API from drifting into
/// a fiction. Runs where `KUBEBUILDER_ASSETS` names a folder with `etcd` and `kube-apiserver`.
@Suite struct RealServerTests {
    static let assets = ProcessInfo.processInfo.environment["KUBEBUILDER_ASSETS"]

    @Test("a real API server answers as ours does", .enabled(if: Self.assets != nil, "KUBEBUILDER_ASSETS is not set"))
    func comparison() async throws {
        let ours = try await TestAPI(now: Date())
        try await RealServer.with(assets: try #require(Self.assets)) { real in
            for exchange in Exchange.all {
                let expected = try await real.answer(exchange)
                let found = await ours.call(exchange.method, exchange.path, exchange.body, type: exchange.type)
                #expect(found.code == expected.code, "\(exchange)")
                // A definition's status is the real server's second thought.
                if exchange.waitsFor == nil {
                    #expect(Self.settled(found.body).prettyText == Self.settled(expected.body).prettyText, "\(exchange)")
                }
                // A definition is served a moment after it is stored.
                if let wait = exchange.waitsFor {
                    try await eventually("\(wait) is served") { try await real.answer(Exchange(.get, wait)).code == 200 ? true : nil }
                }
            }
        }
    }

    /// What differs from server to server.
    private static let own: Set<String> = [
        "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "time", "clusterIP", "clusterIPs",
    ]

    static func settled(_ value: JSON) -> JSON {
        switch value {
        case .object(let members):
            .object(
                members.reduce(into: [:]) { settled, member in
                    settled[member.key] = Self.own.contains(member.key) ? "*" : Self.settled(member.value)
                    // In the order of their times, of which ours are all the same.
                    if member.key == "managedFields", let entries = settled[member.key]?.array {
                        settled[member.key] = .array(entries.sorted { $0.text < $1.text })
                    }
                })
        case .array(let elements): .array(elements.map(Self.settled))
        default: value
        }
    }
}
