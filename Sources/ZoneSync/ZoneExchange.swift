import KubeAPI

/// How a zone's control plane talks to the global one: who it is, in the query of each request. Its token proves the zone.
package struct ZoneExchange: Hashable, Sendable {
    package static let streamPath = "/v1/zone"
    package static let reportPath = "/v1/zone/reports"
    /// In the answer to a stream: the hash of what the zone has told.
    package static let toldHeader = "egret-told"

    package var zone: String
    /// The same for all replicas of the zone's control plane, and for no other zone's.
    package var identity: String
    /// Which replica.
    package var instance: String

    package init(zone: String, identity: String, instance: String) {
        self.zone = zone
        self.identity = identity
        self.instance = instance
    }

    /// - Parameter have: the hash of what came down last.
    package func streamTarget(have: String?) -> String {
        self.target(Self.streamPath, [("instance", self.instance)] + Self.item("have", have))
    }

    /// - Parameter base: the hash that a difference starts from.
    package func reportTarget(base: String?) -> String {
        self.target(Self.reportPath, Self.item("base", base))
    }

    package var answerTarget: String { self.target(ZoneAnswer.path, []) }

    private static func item(_ key: String, _ value: String?) -> [(String, String)] { value.map { [(key, $0)] } ?? [] }

    private func target(_ path: String, _ items: [(String, String)]) -> String {
        path + "?"
            + ([("zone", self.zone), ("identity", self.identity)] + items).map { "\($0.0)=\(PercentEncoding.segment($0.1))" }.joined(
                separator: "&")
    }
}

/// What the global control plane asked for over the stream.
package struct ZoneAnswer: Codable, Hashable, Sendable {
    package static let path = "/v1/zone/answers"

    /// Of the question.
    package var id: String
    package var text: String

    package init(id: String, text: String) {
        self.id = id
        self.text = text
    }
}
