import FoundationEssentials
import JSONModel
import KubeAPI
import KubeRuntime

/// One pod's volumes on disk: made once, kept in step with ConfigMaps, Secrets, labels and tokens while the pod runs.
actor PodVolumes {
    private let world: NodeWorld
    private let folders: PodFolders
    private var folder: [String: AtomicFolder] = [:]
    private var tokens: [VolumeFiles.TokenRequest: Token] = [:]

    private struct Token {
        var text: String
        /// At four fifths of its life, as a kubelet does.
        var renewAt: Date
        var expiresAt: Date
    }

    init(world: NodeWorld, folders: PodFolders) {
        self.world = world
        self.folders = folders
    }

    /// When to write again though no object has changed: a token is due.
    var nextLook: Date? { self.tokens.values.map(\.renewAt).min() }

    func write(_ context: PodContext) async throws(ContainerProblem) {
        for volume in context.spec.volumes {
            switch volume.source {
            case .emptyDir: try self.attempt { try self.folders.make(self.folders.volume(volume.name), mode: 0o777) }
            case .hostPath: break
            case .unsupported(let kind):
                throw .config("volume \"\(volume.name)\": the development node has no volumes of kind \(kind)")
            case .projected(let projections, let mode):
                try await self.renew(VolumeFiles.tokens(projections), context)
                let files = try VolumeFiles.render(projections, mode: mode, in: context, tokens: self.tokens.mapValues(\.text))
                let path = self.folders.volume(volume.name)
                try self.attempt {
                    try self.folders.make(path)
                    try self.folder[volume.name, default: AtomicFolder(path)].write(files)
                }
            }
        }
    }

    private func attempt(_ body: () throws -> Void) throws(ContainerProblem) {
        do { try body() } catch { throw .config("volume cannot be written: \(error)") }
    }

    private func renew(_ requests: [VolumeFiles.TokenRequest], _ context: PodContext) async throws(ContainerProblem) {
        for request in requests {
            let now = Date()
            if let token = self.tokens[request], token.renewAt > now { continue }
            do {
                self.tokens[request] = try await self.issue(request, context, now: now)
            } catch {
                // The old token serves as long as it lives; the next look asks again.
                guard var token = self.tokens[request], token.expiresAt > now else {
                    throw .config("service account token for \"\(context.spec.serviceAccountName)\": \(error)")
                }
                token.renewAt = now.addingTimeInterval(5)
                self.tokens[request] = token
            }
        }
    }

    private func issue(_ request: VolumeFiles.TokenRequest, _ context: PodContext, now: Date) async throws(KubeError) -> Token {
        var pod = KubeObject(context.pod)
        pod.apiVersion = "v1"
        pod.kind = "Pod"
        let answer = try await self.world.client.send(
            .tokenRequest(
                serviceAccount: context.spec.serviceAccountName, namespace: context.namespace,
                audiences: request.audience.map { [$0] } ?? [], expirationSeconds: Int(request.lifetime.components.seconds), boundTo: pod))
        let text = answer.at("status", "token")?.string ?? ""
        let end = answer.at("status", "expirationTimestamp")?.string.flatMap(Date.init(rfc3339:))
        let expiresAt = end ?? now.addingTimeInterval(request.lifetime.seconds)
        return Token(
            text: text, renewAt: now.addingTimeInterval(expiresAt.timeIntervalSince(now) * 0.8), expiresAt: expiresAt)
    }
}
