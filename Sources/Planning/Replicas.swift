import KubeAPI
import MeshModel

/// What came from the global control plane, as a plan sees it.
enum Replicas {
    /// The name that a resource is meant by: kept under a longer one, what came from the global control plane says it in a label,
    /// or, where labels have no room for it, in an annotation.
    static func name(of object: KubeObject) -> String {
        guard Origin.isGlobal(object.metadata.labels) else { return object.name }
        return object.metadata.labels[Origin.displayName] ?? object.metadata.annotations[Origin.displayName] ?? object.name
    }
}

extension World {
    /// Of two services of one name the global control plane's counts, whichever was there first.
    static func decideNames(_ services: [Judged<MeshExternalService>]) -> [Judged<MeshExternalService>] {
        let taken = Set(
            services.filter { Origin.isGlobal($0.object.metadata.labels) }.compactMap(\.accountable).map { [$0.mesh.text, $0.name] })
        if taken.isEmpty { return services }
        return services.map { judged in
            guard let service = judged.accountable, !Origin.isGlobal(judged.object.metadata.labels),
                taken.contains([service.mesh.text, service.name])
            else { return judged }
            var judged = judged
            judged.accepted = .needsPerson(
                .nameTaken,
                "The global control plane has a MeshExternalService \(service.name) in mesh \(service.mesh), too, and that one counts. Next: rename this one."
            )
            return judged
        }
    }
}
