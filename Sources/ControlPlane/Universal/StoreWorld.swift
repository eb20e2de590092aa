package import FoundationEssentials
import Identity
package import KubeAPI
package import MeshModel
package import Planning
package import Store
import Synchronization

/// The store as the operator sees it.
package struct StoreWorld: WorldSource {
    private let store: ResourceStore
    private let settings: EgretSettings
    private let acknowledgements: AcknowledgementBook
    private let writeFailures: WriteFailureBook
    private let presence: Presence
    private let files: SourceFiles
    private let authorityCache = AuthorityCache()
    private let forms = FormCache()

    package var namespace: String { StoredForm.systemNamespace }

    package init(
        store: ResourceStore, settings: EgretSettings, acknowledgements: AcknowledgementBook, writeFailures: WriteFailureBook,
        presence: Presence, files: SourceFiles
    ) {
        self.store = store
        self.settings = settings
        self.acknowledgements = acknowledgements
        self.writeFailures = writeFailures
        self.presence = presence
        self.files = files
    }

    package func waitUntilRead() {}

    package func changes() -> any AsyncSequence<Void, Never> & Sendable { self.store.changes() }

    package func readSettings(_ settings: inout SettingsReader) -> Bool { settings.fix(self.settings) }

    package func object(_ type: ResourceType, _ key: ObjectKey) -> KubeObject? {
        self.kinds(type).lazy.flatMap { self.store.unordered(kind: $0) }.filter { $0.id.name == key.name }
            .compactMap(self.forms.object).first { $0.key == key }
    }

    package func objects(_ type: ResourceType) -> [KubeObject] {
        self.kinds(type).flatMap { self.store.list(kind: $0) }.compactMap(self.forms.object).sorted { $0.key < $1.key }
    }

    /// Kinds of the store that are objects of a type.
    private func kinds(_ type: ResourceType) -> [String] {
        type == .secrets ? [ResourceKind.secret.name, ResourceKind.globalSecret.name] : [type.kind]
    }

    private var objects: Objects {
        // The global control plane plans for nobody's proxies: it makes authorities.
        let resources =
            self.settings.standing == .global
            ? [ResourceKind.mesh, .secret, .globalSecret].flatMap { self.store.unordered(kind: $0.name) } : self.store.unordered()
        return Objects(resources.compactMap(self.forms.object))
    }

    package func observed(settings: EgretSettings, now: Date) -> (observed: Observed, authorities: MeshAuthorities, meshes: [Mesh]) {
        let objects = self.objects
        let meshes = objects.sorted(.meshes).compactMap { try? Mesh(name: $0.name, spec: $0.spec) }
        var authorities = MeshAuthorities(
            meshes: meshes, secrets: objects[.secrets], namespace: self.namespace, cache: self.authorityCache,
            home: .universal
        ) { self.files.text($0) }
        for (key, failure) in self.writeFailures.failures(of: .meshes) {
            if let mesh = try? MeshName(key.name) { authorities.problems[mesh] = failure.sentence }
        }
        var observed = Observed(
            home: .universal, settings: settings, systemNamespace: self.namespace, objects: objects,
            trust: authorities.trust, authorityProblems: authorities.problems,
            acknowledgements: self.acknowledgements.all, online: self.presence.online(at: now), now: now)
        observed.signers = authorities.signers
        observed.files = self.files.serviceTexts(of: [ResourceType.externalServices, .meshExternalServices].flatMap { objects[$0].values })
        return (observed, authorities, meshes)
    }
}

/// Resources are turned into objects once per change, not once per plan.
private final class FormCache: Sendable {
    private let known = Mutex<[ResourceID: (resource: StoredResource, object: KubeObject)]>([:])

    func object(_ resource: StoredResource) -> KubeObject? {
        let hit = self.known.withLock { known -> KubeObject? in
            guard let entry = known[resource.id], entry.resource.version == resource.version, entry.resource.status == resource.status
            else { return nil }
            return entry.object
        }
        if let hit { return hit }
        guard let object = StoredForm.object(resource) else { return nil }
        self.known.withLock { $0[resource.id] = (resource, object) }
        return object
    }
}
