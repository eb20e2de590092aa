import ConfigSync
import CurlTransport
import Foundation
import JSONModel
import TestKit
import Testing

@Suite("Asking proxies")
struct InspectTests {
    @Test("A proxy's pages come over its stream, to administrators, from the proxy that was asked")
    func pages() async throws {
        try await RunningUniversal.run { running in
            let token = try await running.issued("zone", ["scope": ["egress"], "validFor": "1h"])
            for name in ["one", "two"] { #expect(try await running.register(name, token: token).status == 204) }
            #expect(try await running.api("GET", "/zoneegresses/nobody/stats").status == 404)
            #expect(try await running.api("POST", "/zoneegresses/one/stats").status == 405)
            let stranger = try await running.api("GET", "/zoneegresses/one/stats", headers: [HTTPHeader("origin", "http://elsewhere")])
            #expect(stranger.status == 403)
            // Nobody is connected.
            #expect(try await running.api("GET", "/zoneegresses/one/clusters").status == 503)

            let stream = try await running.openStream(.egress, "one", token: token)
            async let clusters = running.api("GET", "/zoneegresses/one/clusters")
            var lines = LineFramer()
            var question: Question?
            for try await chunk in stream.body where question == nil {
                for line in try lines.received(chunk) {
                    guard let json = try? JSON(parsing: Data(line))["question"] else { continue }
                    question = try json.decoded(as: Question.self)
                }
                if question != nil { break }
            }
            let asked = try #require(question)
            #expect(asked.page == .clusters)
            func answer(_ name: String) -> Answer {
                Answer(proxyType: .egress, name: name, mesh: "", id: asked.id, text: "[{\"name\":\"\(name)\"}]")
            }
            #expect(try await running.post(Answer.path, answer("two"), token: token).status == 400)
            #expect(try await running.post(Answer.path, answer("one"), token: token).status == 204)
            #expect(try await running.post(Answer.path, answer("one"), token: token).status == 400)
            let reply = try await clusters
            #expect(reply.status == 200 && reply.json == [["name": "one"]], "\(reply)")
            withExtendedLifetime(stream) {}
        }
    }
}
