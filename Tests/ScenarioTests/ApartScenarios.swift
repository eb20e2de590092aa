import Foundation
import TestKit
import Testing

extension Scenarios {
    /// A global control plane and two zones in networks of their own, with nothing but public addresses between them.
    @Suite(
        "Zones apart",
        .enabled("this machine gives no network namespaces") {
            let problem = await Internet.problem()
            if let problem { print("zones apart are skipped: \(problem)") }
            return problem == nil
        })
    struct Apart {
        @Test("Traffic goes through the local egress and the other zone's ingress, whole in both directions, and meshes never mix")
        func paths() async throws {
            let meshes = ["red", "green", "blue"]
            try await ApartZones.with(meshes: meshes) { zones, running in
                // Equal names in three meshes: everybody meets its own.
                for _ in 0..<3 {
                    for (number, mesh) in meshes.enumerated() {
                        for (port, service) in [(10080, "backend"), (10081, "partner")] {
                            let answer = try await zones.curl(.one, "http://\(ApartZones.web(number)):\(port)/")
                            #expect(answer.output == "\(service) of \(mesh)", "\(answer)")
                        }
                    }
                }
                try await Self.hops(zones)
                let network = zones.internet[.one]
                for number in meshes.indices {
                    for (port, name) in [(10080, "backend of \(meshes[number])"), (10081, "partner of \(meshes[number])")] {
                        try await Self.halves(in: network, ApartZones.web(number), UInt16(port), running.applications[name])
                    }
                }
                // There is no other way.
                #expect(try await zones.curl(.one, "http://10.2.2.1:8080/").status == 7)
                for kind in ["zoneegresses", "zone-ingresses"] {
                    let lines = try await zones.global.egretctl("inspect", kind).split(separator: "\n")
                    for zone in ["zone-1", "zone-2"] {
                        #expect(lines.count { $0.contains(zone) && $0.contains("Online") } == 2, "\(lines)")
                    }
                }
            }
        }

        /// Each proxy of the way counts.
        private static func hops(_ zones: ApartZones) async throws {
            func counts() async throws -> (egress: Int, ingress: Int, otherEgress: Int) {
                func sum(_ place: Internet.Place, _ admin: Int) async throws -> Int {
                    try await zones.allowed(place, admin) + zones.allowed(place, admin + 1)
                }
                return try await (sum(.one, 9901), sum(.two, 9911), sum(.two, 9901))
            }
            let start = try await counts()
            #expect(try await zones.curl(.one, "http://\(ApartZones.web()):10080/").status == 0)
            let service = try await counts()
            #expect(service == (start.egress + 1, start.ingress + 1, start.otherEgress))
            #expect(try await zones.curl(.one, "http://\(ApartZones.web()):10081/").status == 0)
            #expect(try await counts() == (start.egress + 2, start.ingress + 2, start.otherEgress + 1))
        }

        private static func halves(in network: NetworkNamespace, _ address: String, _ port: UInt16, _ application: Application?)
            async throws
        {
            let application = try #require(application)
            let echoed = try await network.run {
                let client = try TestSocket.connect(port: port, address: address)
                try client.send(Array("1".utf8) + Application.bytes)
                client.shutdownWrite()
                return try client.receiveToEnd()
            }
            #expect(echoed == Application.bytes)
            let before = application.heardAfterwards
            let answer = try await network.run {
                let client = try TestSocket.connect(port: port, address: address)
                try client.send(Array("2".utf8))
                let answer = try client.receiveToEnd()
                try client.send(Application.bytes)
                client.shutdownWrite()
                return answer
            }
            #expect(answer == Application.bytes)
            try await eventually("what came after the application's end arrives") {
                application.heardAfterwards == before + Application.bytes.count ? true : nil
            }
        }

        @Test("One of two egresses and one of two ingresses stop, then are killed, and no connection after their withdrawal fails")
        func losses() async throws {
            try await ApartZones.with { zones, running in
                let loads = [UInt16(10080), 10081].map {
                    RequestLoad(ApartZones.web(), $0, in: zones.internet[.one], expecting: " of default")
                }
                for load in loads { load.run(threads: 2) }
                defer { for load in loads { load.stop() } }
                for load in loads { try await load.serves(20) }

                // They say that they go before they do.
                let names = ["zone-1.egress-a", "zone-2.ingress-a", "zone-2.egress-a"]
                for name in names { running.processes[name]?.send(SIGTERM) }
                for name in names { try await running.processes[name]?.line(containing: "Stopped", timeout: .seconds(30)) }
                for load in loads { try await load.serves(20) }
                for load in loads { #expect(load.now.failures.isEmpty, "\(load.now.failures.prefix(5))") }

                try await zones.running([
                    zones.zoneProxy("egress", "a", .one), zones.zoneProxy("ingress", "a", .two), zones.zoneProxy("egress", "a", .two),
                ]) { _ in
                    try await Self.waitUntil(zones, have: [1, 2])
                    for name in ["zone-1.egress-b", "zone-2.ingress-b", "zone-2.egress-b"] { running.processes[name]?.send(SIGKILL) }
                    try await Self.waitUntil(zones, have: [1])
                    let before = loads.map(\.now.failures.count)
                    for load in loads { try await load.serves(50) }
                    for (load, count) in zip(loads, before) {
                        #expect(load.now.failures.count == count, "\(load.now.failures.dropFirst(count).prefix(5))")
                    }
                }
            }
        }

        /// Whoever goes to an egress or ingress knows those with these numbers, `a` being 1, and no others.
        private static func waitUntil(_ zones: ApartZones, have numbers: [Int]) async throws {
            let facts: [(who: String, place: Internet.Place, admin: Int, endpoints: Set<String>)] = [
                ("the proxy of web", .one, 9921, Set(numbers.map { "10.1.1.\($0):10002" })),
                ("the egress", .one, 9901, Set(numbers.map { "\(Internet.Place.two.address):\(10000 + $0)" })),
                ("the ingress", .two, 9911, Set(numbers.map { "10.2.1.\($0):10002" } + ["10.2.2.1:8080"])),
            ]
            for fact in facts {
                try await eventually("\(fact.who) knows \(fact.endpoints)") { () -> Bool? in
                    // What the proxy itself hands on to its own workload is none of this.
                    let found = try await zones.endpoints(fact.place, fact.admin).filter { !$0.hasPrefix("127.") }
                    guard found == fact.endpoints else { throw Found(endpoints: found) }
                    return true
                }
            }
        }

        private struct Found: Error { let endpoints: Set<String> }

        @Test("Whatever link between zones is cut, one way or both, calls fail closed and heal by themselves")
        func cuts() async throws {
            try await ApartZones.with { zones, _ in
                let url = "http://\(ApartZones.web()):10080/"
                func passes(_ what: String) async throws {
                    try await eventually("calls pass \(what)") { try await zones.curl(.one, url, seconds: 2).status == 0 ? true : nil }
                }
                // Between the zones themselves. One connection stays open all the time.
                let open = try await zones.internet[.one].run {
                    let client = try TestSocket.connect(port: 10080, address: ApartZones.web())
                    try client.send(Array("3".utf8))
                    return client
                }
                for ways in Self.ways(.one, .two) {
                    for way in ways { try await zones.internet.cut(from: way.0, to: way.1) }
                    let call = try await zones.curl(.one, url, seconds: 2)
                    #expect(call.status != 0 && call.output.isEmpty, "\(ways): \(call)")
                    try await onThread { try open.send(Array("word".utf8)) }
                    for way in ways { try await zones.internet.mend(from: way.0, to: way.1) }
                    try await passes("after \(ways)")
                    #expect(try await onThread { try open.receive(exactly: 4) } == Array("word".utf8))
                }
                // Between a zone and the global control plane: calls pass, and what is new comes when it is mended.
                for zone in [Internet.Place.one, .two] {
                    for (number, ways) in Self.ways(zone, .global).enumerated() {
                        for way in ways { try await zones.internet.cut(from: way.0, to: way.1) }
                        let name = "news-\(zone.rawValue)-\(number)"
                        try await zones.global.apply(Self.news(name))
                        func has() async throws -> Bool {
                            try await zones.controlPlane(of: zone).egretctl("get", "meshtrafficpermissions").contains(name)
                        }
                        #expect(try await zones.curl(.one, url).status == 0, "\(ways)")
                        if ways.contains(where: { $0.0 == .global }) { #expect(try await !has(), "\(ways)") }
                        for way in ways { try await zones.internet.mend(from: way.0, to: way.1) }
                        try await eventually("\(zone.rawValue) has \(name)") { try await has() ? true : nil }
                    }
                }
                // What says nothing any more counts as offline long before TCP would give it up.
                func ingresses(_ state: String) async throws {
                    try await eventually("the ingresses of zone-2 are \(state)", timeout: .seconds(90)) {
                        let lines = try await zones.global.egretctl("inspect", "zone-ingresses").split(separator: "\n")
                        return lines.count { $0.contains("zone-2") && $0.contains(" \(state) ") } == 2 ? true : nil
                    }
                }
                try await ingresses("Online")
                let ways = Self.ways(.two, .global)[2]
                for way in ways { try await zones.internet.cut(from: way.0, to: way.1) }
                try await ingresses("Offline")
                for way in ways { try await zones.internet.mend(from: way.0, to: way.1) }
                try await ingresses("Online")
            }
        }

        private static func news(_ name: String) -> String {
            """
            type: MeshTrafficPermission
            mesh: default
            name: \(name)
            spec:
              targetRef: {kind: Mesh}
              from: [{targetRef: {kind: MeshService, name: nobody}, default: {action: Allow}}]
            """
        }

        private static func ways(_ one: Internet.Place, _ other: Internet.Place) -> [[(Internet.Place, Internet.Place)]] {
            [[(one, other)], [(other, one)], [(one, other), (other, one)]]
        }
    }
}
