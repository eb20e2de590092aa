import Foundation
import Identity
import KubeAPI
import MeshModel
import Planning
import Synchronization

@testable import ControlPlane

/// Objects as they are, for whoever only looks them up.
final class StillWorld: WorldSource {
    let namespace = "kuma-system"
    private let held = Mutex<[KubeObject]>([])

    func set(_ objects: [KubeObject]) { self.held.withLock { $0 = objects } }

    func add(_ object: KubeObject) { self.held.withLock { $0.append(object) } }

    func waitUntilRead() {}

    func changes() -> any AsyncSequence<Void, Never> & Sendable { AsyncStream<Void> { _ in } }

    func object(_ type: ResourceType, _ key: ObjectKey) -> KubeObject? { self.objects(type).first { $0.key == key } }

    func objects(_ type: ResourceType) -> [KubeObject] { self.held.withLock { $0 }.filter { $0.kind == type.kind } }

    func readSettings(_ settings: inout SettingsReader) -> Bool { settings.fix(EgretSettings(zone: "east")) }

    func observed(settings: EgretSettings, now: Date) -> (observed: Observed, authorities: MeshAuthorities, meshes: [Mesh]) {
        (Observed(settings: settings, systemNamespace: self.namespace, now: now), MeshAuthorities(), [])
    }
}
