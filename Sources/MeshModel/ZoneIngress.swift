package import JSONModel

/// The way into a zone. Other zones' ingresses are where cross-zone traffic goes; the own zone's are proxies of this one.
package struct ZoneIngress: ZoneProxy {
    package static let kind = "ZoneIngress"
    package static let role = ZoneProxyRole.ingress
    package static let defaultPort: UInt16 = 10001

    package let name: String
    package let zone: String?
    package let address: String?
    package let port: UInt16
    package let adminPort: UInt16
    package let deployment: JSON
    /// Where other zones reach it; nil while it is not advertised, which makes it unusable for them.
    package let advertised: Advertised?
    package let availableServices: [AvailableService]

    package struct Advertised: Hashable, Sendable {
        package let address: String
        package let port: UInt16

        package init(address: String, port: UInt16) {
            self.address = address
            self.port = port
        }
    }

    package struct AvailableService: Hashable, Sendable {
        /// The schema's bound.
        package static let maxCount = 4096
        static let maxInstances = 1_000_000

        package let mesh: String
        /// `kuma.io/service` and everything else.
        package let tags: [String: String]
        /// A weight, and so bounded.
        package let instances: Int
        /// The service is an ExternalService of that zone, served by its egress.
        package let isExternal: Bool

        package init(mesh: String, tags: [String: String], instances: Int, isExternal: Bool = false) {
            self.mesh = mesh
            self.tags = tags
            self.instances = min(max(1, instances), Self.maxInstances)
            self.isExternal = isExternal
        }

        /// As it stands in the resource.
        package var json: JSON {
            var json: JSON = [
                "tags": .object(self.tags.mapValues(JSON.string)), "instances": JSON(self.instances), "mesh": .string(self.mesh),
            ]
            if self.isExternal { json["externalService"] = true }
            return json
        }
    }

    package init(name: String, mesh _: String? = nil, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec)
        let common = ZoneProxyFields(fields, spec, defaultPort: Self.defaultPort)
        self.name = name
        (self.zone, self.address, self.port) = (common.zone, common.address, common.port)
        (self.adminPort, self.deployment) = (common.adminPort, common.deployment)
        if let networking = common.networking, let address = ZoneProxyFields.address("advertisedAddress", networking),
            let port = networking.port("advertisedPort")
        {
            self.advertised = Advertised(address: address, port: port)
        } else {
            self.advertised = nil
        }
        self.availableServices = fields.objects("availableServices").map { service in
            AvailableService(
                mesh: service.string("mesh") ?? MeshName.default.text, tags: service.tags("tags") ?? [:],
                instances: service.int("instances") ?? 1, isExternal: service.bool("externalService") ?? false)
        }
        try Self.check(name: name, spec: spec, fields)
    }
}
