package import JSONModel

/// An egress of this zone: without an address, one that the control plane runs; with one, an instance elsewhere.
package struct ZoneEgress: MeshResource {
    package static let kind = "ZoneEgress"
    package static let defaultPort: UInt16 = 10002
    package static let defaultAdminPort: UInt16 = 9901

    package let name: String
    package let zone: String?
    package let address: String?
    package let port: UInt16
    package let adminPort: UInt16
    package let deployment: JSON

    package var isManaged: Bool { self.address == nil }
    package var replicas: Int? { self.deployment["replicas"]?.int }

    package init(name: String, mesh _: String? = nil, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec)
        let networking = fields.object("networking")
        self.name = name
        self.zone = fields.string("zone").flatMap { $0.isEmpty ? nil : $0 }
        self.address = networking.flatMap { Self.address("address", $0) }
        // Kubernetes fills the port in by the schema's default; elsewhere it has to be written.
        self.port = networking?.port("port") ?? Self.defaultPort
        self.adminPort = networking?.object("admin")?.port("port") ?? Self.defaultAdminPort
        self.deployment = spec["deployment"] ?? [:]
        if let replicas = fields.object("deployment")?.int("replicas"), !(0...1000).contains(replicas) {
            fields.violate("deployment.replicas", "must be in the range [0, 1000]")
        }
        try Self.check(name: name, spec: spec, fields)
    }

    fileprivate static func address(_ key: String, _ fields: Fields) -> String? {
        guard let text = fields.string(key), !text.isEmpty else { return nil }
        if text == "::" || text == "0.0.0.0" {
            fields.violate(key, "must not be 0.0.0.0 or ::")
        } else if !Address.isValid(text) {
            fields.violate(key, "address has to be valid IP address or domain name")
        }
        return text
    }
}

/// The way into a zone. Other zones' ingresses are where cross-zone traffic goes.
package struct ZoneIngress: MeshResource {
    package static let kind = "ZoneIngress"

    package let name: String
    package let zone: String?
    /// Where other zones reach it; nil while it is not advertised, which makes it unusable for them.
    package let advertised: Advertised?
    package let availableServices: [AvailableService]

    package struct Advertised: Hashable, Sendable {
        package let address: String
        package let port: UInt16
    }

    package struct AvailableService: Hashable, Sendable {
        package let mesh: String
        /// `kuma.io/service` and everything else.
        package let tags: [String: String]
        /// A weight, and so bounded.
        package let instances: Int
        static let maxInstances = 1_000_000
        /// The service is an ExternalService of that zone, served by its egress.
        package let isExternal: Bool
    }

    package init(name: String, mesh _: String? = nil, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec)
        let networking = fields.object("networking")
        self.name = name
        self.zone = fields.string("zone").flatMap { $0.isEmpty ? nil : $0 }
        _ = networking.flatMap { ZoneEgress.address("address", $0) }
        _ = networking?.port("port")
        if let networking, let address = ZoneEgress.address("advertisedAddress", networking),
            let port = networking.port("advertisedPort")
        {
            self.advertised = Advertised(address: address, port: port)
        } else {
            self.advertised = nil
        }
        self.availableServices = fields.objects("availableServices").map { service in
            AvailableService(
                mesh: service.string("mesh") ?? MeshName.default.text, tags: service.tags("tags") ?? [:],
                instances: min(max(1, service.int("instances") ?? 1), AvailableService.maxInstances),
                isExternal: service.bool("externalService") ?? false)
        }
        try Self.check(name: name, spec: spec, fields)
    }
}
