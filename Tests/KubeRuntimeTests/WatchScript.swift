import JSONModel
import KubeAPI
import KubeRuntime
import Synchronization
import TestServer
import Testing

/// Expect this request, answer that, and finish: requests beyond the script are met with silence.
final class WatchScript: Sendable {
    typealias Step = (expecting: String, answer: @Sendable (ScriptedServer.Reply) async throws -> Void)

    private let steps: Mutex<ArraySlice<Step>>

    init(_ steps: [Step]) { self.steps = Mutex(steps[...]) }

    var script: ScriptedServer.Script {
        { request, reply in
            guard let step = self.steps.withLock({ $0.popFirst() }) else { return try await reply.silence() }
            // The time a watch asks for is drawn at random.
            let line = request.line.replacing(/&timeoutSeconds=\d+&allowWatchBookmarks=true/, with: "")
            #expect(line == "GET /api/v1/namespaces/n/pods?\(step.expecting)")
            try await step.answer(reply)
        }
    }

    static func pod(_ name: String, _ version: Int) -> String {
        "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"\(name)\",\"namespace\":\"n\",\"uid\":\"\(name)\",\"resourceVersion\":\"\(version)\"}}"
    }

    static func page(_ pods: [String], version: Int, next: String = "") -> @Sendable (ScriptedServer.Reply) async throws -> Void {
        { reply in
            try await reply.answer(
                json:
                    "{\"metadata\":{\"resourceVersion\":\"\(version)\",\"continue\":\"\(next)\"},\"items\":[\(pods.joined(separator: ","))]}"
            )
        }
    }

    static func event(_ type: String, _ object: String) -> String { "{\"type\":\"\(type)\",\"object\":\(object)}\n" }

    static func bookmark(_ version: Int) -> String {
        self.event("BOOKMARK", "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"\(version)\"}}")
    }

    static func status(_ code: Int, _ reason: String) -> String { KubeStatus(code: code, reason: reason, message: "\(reason)!").json.text }

    /// A watch that sends these texts and then ends as told.
    static func watch(_ texts: [String], end: End) -> @Sendable (ScriptedServer.Reply) async throws -> Void {
        { reply in
            try await reply.start()
            for text in texts { try await reply.send(text) }
            switch end {
            case .closed: try await reply.end()
            case .cut: try await reply.cut()
            case .silence: try await reply.silence()
            }
        }
    }

    enum End { case closed, cut, silence }
}

extension Informer {
    /// Names and versions, for short expectations.
    var content: [String: String] {
        Dictionary(uniqueKeysWithValues: self.snapshot.values.map { ($0.name, $0.metadata.resourceVersion ?? "") })
    }

    /// Returns when the cache holds exactly these.
    func holds(_ content: [String: String]) async {
        let changes = self.changes()
        if self.content == content { return }
        for await _ in changes where self.content == content { return }
    }
}
