import Foundation
import TestKit

/// Three machines, and a router between them that knows their public addresses alone: what is inside of a zone has no route from
/// elsewhere. All of it is made of network namespaces and goes with the test.
struct Internet: Sendable {
    enum Place: String, CaseIterable {
        case global
        case one = "zone-1"
        case two = "zone-2"

        var address: String {
            switch self {
            case .global: "192.0.2.1"
            case .one: "198.51.100.1"
            case .two: "203.0.113.1"
            }
        }

        /// The first two numbers of what is inside.
        var inside: String {
            switch self {
            case .global: "10.0"
            case .one: "10.1"
            case .two: "10.2"
            }
        }
    }

    private let router: NetworkNamespace
    private let machines: [Place: NetworkNamespace]

    subscript(place: Place) -> NetworkNamespace { self.machines[place]! }

    /// Why this machine or user gets none; nil if it does.
    static func problem() async -> String? {
        do {
            let internet = try await Internet.make()
            try await internet.cut(from: .one, to: .two)
            return nil
        } catch {
            return "no networks apart: \(error)"
        }
    }

    static func make() async throws -> Internet {
        let router = try await NetworkNamespace.make()
        try await router.ip("address add 192.0.2.254/32 dev lo")
        try await router.run { try Data("1".utf8).write(to: URL(fileURLWithPath: "/proc/sys/net/ipv4/ip_forward")) }
        var machines: [Place: NetworkNamespace] = [:]
        for place in Place.allCases {
            let machine = try await NetworkNamespace.make()
            try await router.ip(
                "link add \(place.rawValue) type veth peer name world netns \(machine.path)", "link set \(place.rawValue) up",
                "route add \(place.address) dev \(place.rawValue)")
            try await machine.ip(
                "link set world up", "address add \(place.address)/32 dev world", "address add \(place.inside).0.1/16 dev lo",
                "route add default via 192.0.2.254 dev world onlink src \(place.address)")
            machines[place] = machine
        }
        return Internet(router: router, machines: machines)
    }

    /// From now on what `from` sends to `to` is lost, without a word to either.
    func cut(from: Place, to: Place) async throws { try await self.router.ip("rule add from \(from.address) to \(to.address) blackhole") }

    func mend(from: Place, to: Place) async throws { try await self.router.ip("rule del from \(from.address) to \(to.address) blackhole") }
}
