import JSONModel
import KubeAPI

extension KubeObject {
    var podIP: String? { self.status["podIP"]?.string.flatMap { $0.isEmpty ? nil : $0 } }

    /// Neither finished nor failed.
    var isPodAlive: Bool { !["Succeeded", "Failed"].contains(self.status["phase"]?.string ?? "") }

    /// Serving, and expected to go on serving.
    package var isPodReady: Bool {
        !self.metadata.isBeingDeleted && self.isPodAlive && self.podIP != nil && self.conditions["Ready"]?.isTrue == true
    }
}
