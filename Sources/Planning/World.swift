import JSONModel
import KubeAPI
import MeshModel

/// The observed objects read into values, once per plan.
struct World {
    let observed: Observed
    let meshes: [Read<Mesh>]
    /// Those that are valid.
    var soundMeshes: [Mesh] { self.meshes.compactMap { $0.resource } }

    /// One object with what could be read from it.
    struct Read<Resource: MeshResource> {
        let object: KubeObject
        let result: Result<Resource, InvalidResource>

        var resource: Resource? { try? self.result.get() }
    }

    init(_ observed: Observed) {
        self.observed = observed
        self.meshes = observed.objects.sorted(.meshes).map(Self.read)
    }

    private static func read<Resource: MeshResource>(_ object: KubeObject) -> Read<Resource> {
        // Kinds of 2.7 have their mesh at the top level, policies in a label.
        let mesh = object["mesh"]?.string ?? object.metadata.labels["kuma.io/mesh"]
        return Read(
            object: object,
            result: Result { () throws(InvalidResource) in try Resource(name: object.name, mesh: mesh, spec: object.spec) })
    }
}
