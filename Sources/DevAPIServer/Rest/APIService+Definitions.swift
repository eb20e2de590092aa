import JSONModel

extension APIService {
    /// Refuses a definition whose schemas, columns or rules could not be served.
    func checkServable(_ definition: JSON, _ type: ResourceType) throws(APIError) {
        do {
            _ = try CustomKinds.types(of: definition, meta: self.registry.types["ObjectMeta"])
        } catch {
            throw .invalid(type, definition.meta("name") ?? "", [.invalid(error.field, "", error.message)])
        }
    }

    /// What a stored write means for the server itself: definitions change the kinds served.
    func didWrite(_ object: JSON, _ call: Call, isGone: Bool = false) {
        guard call.type.qualifiedName == CustomResourceNames.definitions, !call.request.isDryRun else { return }
        self.serveDefinition(object.meta("name") ?? "")
    }

    /// Brings the registry in line with a stored definition.
    func serveDefinition(_ name: String) {
        let definition = self.store.object(ObjectKey(resource: CustomResourceNames.definitions, namespace: "", name: name))
        let types = definition.flatMap { try? CustomKinds.types(of: $0, meta: self.registry.types["ObjectMeta"]) }
        self.registry.setCustom(name, types)
        if types == nil { self.store.endWatches(of: name) }
    }
}
