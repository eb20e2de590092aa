package import FoundationEssentials
package import KubeAPI
package import MeshModel
package import Planning

/// Where the control plane learns what is: the caches of a cluster, or a store of its own.
package protocol WorldSource: Sendable {
    /// The system namespace; without Kubernetes the word that stands for it in keys.
    var namespace: String { get }

    /// Returns once everything that is there has been read.
    func waitUntilRead() async throws(CancellationError)

    /// Tells of every change from this call on, of several perhaps once.
    func changes() -> any AsyncSequence<Void, Never> & Sendable

    func object(_ type: ResourceType, _ key: ObjectKey) -> KubeObject?

    /// All of a kind, in the order of their keys.
    func objects(_ type: ResourceType) -> [KubeObject]

    /// Takes the settings as they are now. Returns whether they, or what is wrong with them, changed.
    func readSettings(_ settings: inout SettingsReader) -> Bool

    /// Everything a plan depends on, now.
    func observed(settings: EgretSettings, now: Date) -> (observed: Observed, authorities: MeshAuthorities, meshes: [Mesh])
}

extension WorldSource {
    /// An object of the system namespace.
    package func object(_ type: ResourceType, _ name: String) -> KubeObject? {
        self.object(type, ObjectKey(namespace: self.namespace, name: name))
    }
}
