import FoundationEssentials
import JSONModel
import KubeAPI
import KubeRuntime

/// One pod's volumes on disk: made once, kept in step with ConfigMaps, Secrets, labels and tokens while the pod runs.
struct PodVolumes {
    private let world: NodeWorld
    private let folders: PodFolders
    private var folder: [String: AtomicFolder] = [:]
    private var tokens: [VolumeFiles.TokenRequest: ProjectedToken] = [:]

    init(world: NodeWorld, folders: PodFolders) {
        self.world = world
        self.folders = folders
    }

    /// When to write again though no object has changed: a token is due.
    var nextLook: Date? { self.tokens.values.map(\.renewAt).min() }

    mutating func write(_ context: PodContext) async throws(ContainerProblem) {
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

    private mutating func renew(_ requests: [VolumeFiles.TokenRequest], _ context: PodContext) async throws(ContainerProblem) {
        for request in requests {
            let now = Date()
            if let token = self.tokens[request], token.renewAt > now { continue }
            do {
                self.tokens[request] = try await self.issue(request, context, now: now)
            } catch {
                // The old token serves as long as it lives; the next look asks again.
                guard let postponed = self.tokens[request]?.postponed(now: now) else {
                    throw .config("service account token for \"\(context.spec.serviceAccountName)\": \(error)")
                }
                self.tokens[request] = postponed
            }
        }
    }

    private func issue(_ request: VolumeFiles.TokenRequest, _ context: PodContext, now: Date) async throws(KubeError) -> ProjectedToken {
        var pod = KubeObject(context.pod)
        pod.apiVersion = "v1"
        pod.kind = "Pod"
        let answer = try await self.world.client.send(
            .tokenRequest(
                serviceAccount: context.spec.serviceAccountName, namespace: context.namespace,
                audiences: request.audience.map { [$0] } ?? [], expirationSeconds: Int(request.lifetime.components.seconds), boundTo: pod))
        let end = answer.at("status", "expirationTimestamp")?.string.flatMap(Date.init(rfc3339:))
        return ProjectedToken(
            text: answer.at("status", "token")?.string ?? "", issuedAt: now,
            expiresAt: end ?? now.addingTimeInterval(request.lifetime.seconds))
    }
}
