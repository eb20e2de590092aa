/// What a newer policy is about: a whole mesh, a service, a subset.
package struct TargetRef: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case mesh = "Mesh"
        case meshSubset = "MeshSubset"
        case meshService = "MeshService"
        case meshServiceSubset = "MeshServiceSubset"
        case meshGateway = "MeshGateway"
        case meshExternalService = "MeshExternalService"
    }

    package let kind: Kind
    package let name: String?
    package let tags: [String: String]
    /// `proxyTypes` leaves the proxies beside workloads out: nobody Egret knows is meant.
    package let isOfGateways: Bool

    package init(_ kind: Kind, name: String? = nil, tags: [String: String] = [:], isOfGateways: Bool = false) {
        self.kind = kind
        self.name = name
        self.tags = tags
        self.isOfGateways = isOfGateways || kind == .meshGateway
    }
}

extension Fields {
    /// The reference these fields are, or nil after saying what is wrong with it. Texts are those of 2.7.
    package func targetRef(_ supported: Set<TargetRef.Kind>) -> TargetRef? {
        guard let text = self.string("kind"), !text.isEmpty else {
            self.violate("kind", "must be defined")
            return nil
        }
        guard let kind = TargetRef.Kind(rawValue: text), supported.contains(kind) else {
            self.violate("kind", "value is not supported")
            return nil
        }
        func disallow(_ keys: String...) {
            for key in keys where self.isSet(key) { self.violate(key, "must not be set with kind \(text)") }
        }
        let name = self.string("name").flatMap { $0.isEmpty ? nil : $0 }
        switch kind {
        case .mesh:
            if name != nil { self.violate("name", "using name with kind \(text) is not yet supported") }
            disallow("mesh", "tags")
        case .meshSubset: disallow("name", "mesh")
        case .meshService, .meshExternalService:
            self.demandName(name, text)
            disallow("mesh", "tags", "proxyTypes")
        case .meshServiceSubset, .meshGateway:
            self.demandName(name, text)
            disallow("mesh", "proxyTypes")
        }
        let types = self.strings("proxyTypes") ?? []
        return TargetRef(
            kind, name: name, tags: self.tags("tags") ?? [:], isOfGateways: !types.isEmpty && !types.contains("Sidecar"))
    }

    private func demandName(_ name: String?, _ kind: String) {
        guard let name else {
            self.violate("name", "must be set with kind \(kind)")
            return
        }
        if !name.utf8.allSatisfy(Characters.name) {
            self.violate("name", "invalid characters: must consist of lower case alphanumeric characters, '-', '.' and '_'.")
        }
    }

    private func isSet(_ key: String) -> Bool {
        guard self.has(key) else { return false }
        return switch key {
        case "tags": self.stringMap(key)?.isEmpty == false
        case "proxyTypes": self.strings(key)?.isEmpty == false
        default: self.string(key)?.isEmpty == false
        }
    }
}
