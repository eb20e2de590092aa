import JSONModel
import Synchronization

/// Every kind the server knows: the built-in ones and those of the stored CustomResourceDefinitions.
final class Registry: Sendable {
    private struct Guarded {
        var custom: [String: [ResourceType]] = [:]  // By the definition's name.
        var epoch = 0
    }

    let builtIn: [ResourceType]
    let types: TypeTable
    private let guarded = Mutex(Guarded())

    init(types: TypeTable = BuiltIns.types) {
        self.types = types
        self.builtIn = BuiltIns.resources(types)
    }

    /// Group order as discovery lists it: core first, then alphabetically.
    var all: [ResourceType] {
        let custom = self.guarded.withLock { guarded in guarded.custom.sorted { $0.key < $1.key }.flatMap(\.value) }
        return self.builtIn + custom
    }

    /// Grows with every change of the kinds served.
    var epoch: Int { self.guarded.withLock { $0.epoch } }

    func find(group: String, version: String, resource: String) -> ResourceType? {
        if let found = self.builtIn.first(where: { $0.plural == resource && $0.group == group && $0.version == version }) { return found }
        return self.guarded.withLock { $0.custom["\(resource).\(group)"] }?.first { $0.version == version }
    }

    /// Any version of a resource by its storage name.
    func find(qualifiedName: String) -> ResourceType? {
        if let found = self.builtIn.first(where: { $0.qualifiedName == qualifiedName }) { return found }
        return self.guarded.withLock { $0.custom[qualifiedName] }?.first
    }

    func setCustom(_ name: String, _ types: [ResourceType]?) {
        self.guarded.withLock { guarded in
            guarded.custom[name] = types
            guarded.epoch += 1
        }
    }
}
