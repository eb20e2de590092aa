package import FoundationEssentials
import JSONModel
package import KubeAPI
package import Logging

/// What happened to an object, for `kubectl describe` and `kubectl get events`: `events.k8s.io/v1`.
package struct EventNote: Hashable, Sendable {
    package var regarding: KubeObject
    /// CamelCase: `Created`, `Repaired`, `EgressDisabled`.
    package var reason: String
    /// What the control plane was doing: `Render`, `Delete`, `Report`.
    package var action: String
    package var sentence: String
    package var isWarning: Bool

    package init(regarding: KubeObject, reason: String, action: String, sentence: String, isWarning: Bool) {
        self.regarding = regarding
        self.reason = reason
        self.action = action
        self.sentence = sentence
        self.isWarning = isWarning
    }
}

extension EventNote {
    package static let controller = "egret.kuma.io/control-plane"

    /// - Parameter suffix: makes the name unique.
    package func object(instance: String, now: Date, suffix: String) -> KubeObject {
        // Events about cluster-scoped objects live in `default`; the API server insists.
        let namespace = self.regarding.namespace ?? "default"
        var event = KubeObject(.newEvents, name: "\(self.regarding.name.prefix(200)).\(suffix)", namespace: namespace)
        event["eventTime"] = .string(now.rfc3339Micro)
        event["reportingController"] = .string(Self.controller)
        event["reportingInstance"] = .string(String(instance.prefix(128)))
        event["action"] = .string(self.action)
        event["reason"] = .string(self.reason)
        event["type"] = self.isWarning ? "Warning" : "Normal"
        // 1024 bytes is the API's limit; cut at a character.
        var note = self.sentence
        while note.utf8.count > 1024 { note.removeLast() }
        event["note"] = .string(note)
        var reference: JSON = [
            "apiVersion": .string(self.regarding.apiVersion), "kind": .string(self.regarding.kind),
            "name": .string(self.regarding.name), "uid": .string(self.regarding.metadata.uid),
        ]
        reference["namespace"] = self.regarding.namespace.map(JSON.string)
        event["regarding"] = reference
        return event
    }
}

/// Writes events. Losing one costs a line in `kubectl describe`, so a failure is a debug line and nothing else.
package struct EventWriter: Sendable {
    private let writer: any ClusterWriter
    private let instance: String
    private let logger: Logger

    package init(writer: any ClusterWriter, instance: String, logger: Logger) {
        self.writer = writer
        self.instance = instance
        self.logger = logger
    }

    package func write(_ note: EventNote) async {
        let suffix = String(UInt64.random(in: .min ... .max), radix: 16)
        do {
            _ = try await self.writer.create(.newEvents, note.object(instance: self.instance, now: Date(), suffix: suffix))
        } catch {
            self.logger.debug("Could not write an event", metadata: ["k8s.object": "\(note.regarding.displayName)", "cause": "\(error)"])
        }
    }
}
