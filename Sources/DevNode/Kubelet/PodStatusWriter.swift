import JSONModel
import KubeAPI
import KubeRuntime
import Logging

/// Tells the API how a pod is.
struct PodStatusWriter: Sendable {
    let world: NodeWorld
    let key: ObjectKey
    let uid: String

    /// Writes the newest status, again and again until the API has it; older ones that nobody saw are left out.
    func run(_ statuses: AsyncStream<JSON>) async {
        for await status in statuses {
            while await !self.write(status) {
                guard (try? await Task.sleep(for: .milliseconds(500))) != nil else { return }
            }
        }
    }

    /// Returns whether there is no use in trying again.
    private func write(_ status: JSON) async -> Bool {
        do throws(KubeError) {
            try await self.world.client.patch(
                .merge, .pods, self.key.name, namespace: self.key.namespace, subresource: "status",
                body: ["metadata": ["uid": JSON(self.uid)], "status": status])
            return true
        } catch {
            if self.mayPass(error) { return false }
            // A pod that is gone, or whose name another has by now, needs no status; anything else is a mistake of ours.
            if case .invalid = error {
                self.world.logger.warning(
                    "the API refuses a pod's status", metadata: ["k8s.object": "Pod/\(self.key)", "reason": "\(error)"])
            }
            return true
        }
    }

    /// Removes the pod's object for good. Repeats until the API has an answer.
    func delete() async {
        let request = KubeRequest.delete(
            .pods, self.key.name, namespace: self.key.namespace, preconditions: .init(uid: self.uid), gracePeriodSeconds: 0)
        while !Task.isCancelled {
            do throws(KubeError) {
                try await self.world.client.send(request)
                return
            } catch {
                guard self.mayPass(error), (try? await Task.sleep(for: .milliseconds(500))) != nil else { return }
            }
        }
    }

    /// A conflict does not: by now the name belongs to another pod.
    private func mayPass(_ error: KubeError) -> Bool {
        if case .conflict = error { return false }
        return error.isTransient
    }
}
