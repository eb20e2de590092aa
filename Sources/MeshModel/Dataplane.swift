package import JSONModel

/// A workload's proxy: what it offers and what its application calls.
package struct Dataplane: MeshResource {
    package static let kind = "Dataplane"

    package let name: String
    package let mesh: MeshName
    /// On Kubernetes the pod's address counts and this one may be left out.
    package let address: String?
    package let inbounds: [Inbound]
    package let outbounds: [Outbound]
    package let gatewayTags: [String: String]?
    /// 2.7 fields in use that Egret accepts and does not act on, sorted.
    package let ignoredFields: [String]

    package struct Inbound: Hashable, Sendable {
        package let port: UInt16
        package let address: String?
        package let servicePort: UInt16?
        package let serviceAddress: String?
        package let tags: [String: String]
        package let isReady: Bool
        package var service: String { self.tags[Tag.service] ?? "" }
    }

    package struct Outbound: Hashable, Sendable {
        package let address: String
        package let port: UInt16
        /// `kuma.io/service` and the subset asked for; empty where `external` says what is called.
        package let tags: [String: String]
        /// A MeshExternalService of the mesh.
        package let external: ExternalReference?
        package var service: String { self.external?.name ?? self.tags[Tag.service] ?? "" }
    }

    package struct ExternalReference: Hashable, Sendable {
        package let name: String
        /// Nil: that of the MeshExternalService.
        package let port: UInt16?

        package init(name: String, port: UInt16? = nil) {
            self.name = name
            self.port = port
        }
    }

    /// Every service the dataplane claims to be, sorted.
    package var services: [String] {
        Set(self.inbounds.map(\.service) + [self.gatewayTags?[Tag.service]].compactMap(\.self)).sorted()
    }

    /// Every tag of the dataplane with all of its values.
    package var tags: [String: Set<String>] {
        (self.inbounds.map(\.tags) + [self.gatewayTags ?? [:]]).reduce(into: [:]) { all, tags in
            for (key, value) in tags { all[key, default: []].insert(value) }
        }
    }

    package init(name: String, mesh: String?, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec)
        self.name = name
        self.mesh = Self.mesh(mesh, fields)
        let networking = fields.object("networking")
        if networking == nil { fields.violate("networking", "should have networking") }
        self.address = networking?.string("address").flatMap { $0.isEmpty ? nil : $0 }
        if let address = self.address, !Address.isValid(address) {
            networking?.violate("address", "address has to be valid IP address or domain name")
        }
        self.inbounds =
            networking?.objects("inbound").compactMap { inbound in
                guard let port = inbound.port("port") else {
                    if !inbound.has("port") { inbound.violate("port", "port must be in the range [1, 65535]") }
                    return nil
                }
                return Inbound(
                    port: port, address: Self.ip("address", inbound), servicePort: inbound.port("servicePort"),
                    serviceAddress: Self.ip("serviceAddress", inbound), tags: inbound.tags("tags") ?? [:],
                    isReady: inbound.object("health")?.bool("ready") ?? true)
            } ?? []
        self.outbounds =
            networking?.objects("outbound").compactMap { outbound in
                guard let port = outbound.port("port") else {
                    if !outbound.has("port") { outbound.violate("port", "port must be in the range [1, 65535]") }
                    return nil
                }
                var tags = outbound.tags("tags") ?? [:]
                if tags[Tag.service] == nil, let service = outbound.string("service") { tags[Tag.service] = service }
                return Outbound(
                    address: Self.ip("address", outbound) ?? "127.0.0.1", port: port, tags: tags,
                    external: outbound.object("backendRef").flatMap(Self.external))
            } ?? []
        self.gatewayTags = networking?.object("gateway").map { $0.tags("tags") ?? [:] }
        self.ignoredFields =
            (["metrics", "probes"].filter(fields.has)
            + ["admin", "advertisedAddress", "transparentProxying"].filter { networking?.has($0) == true }.map { "networking.\($0)" })
            .sorted()
        try Self.check(name: name, spec: spec, fields)
    }

    /// The one kind of reference that means something here.
    private static func external(_ reference: Fields) -> ExternalReference? {
        guard reference.string("kind") == MeshExternalService.kind else {
            reference.violate("kind", "invalid value. Available values are: \(MeshExternalService.kind)")
            return nil
        }
        // Kuma names what came from elsewhere by labels; the name people gave it is one of them.
        let name = reference.string("name") ?? reference.stringMap("labels")?["kuma.io/display-name"] ?? ""
        guard !name.isEmpty else {
            reference.violate("", "either 'name' or 'labels' should be specified")
            return nil
        }
        return ExternalReference(name: name, port: reference.port("port"))
    }

    private static func ip(_ key: String, _ fields: Fields) -> String? {
        guard let text = fields.string(key), !text.isEmpty else { return nil }
        if !Address.isIP(text) { fields.violate(key, "address has to be valid IP address") }
        if text == "0.0.0.0" || text == "::" { fields.violate(key, "must not be 0.0.0.0 or ::") }
        return text
    }
}
