package import JSONModel

/// The two sides of a zone.
package enum ZoneProxyRole: String, CaseIterable, Hashable, Sendable {
    case egress, ingress
}

/// A proxy of this zone that serves all its meshes: without an address, one that the control plane runs; with one, an instance
/// elsewhere.
package protocol ZoneProxy: MeshResource {
    static var role: ZoneProxyRole { get }
    static var defaultPort: UInt16 { get }
    var name: String { get }
    /// Nil while nobody has said it: then it is of the control plane's own zone.
    var zone: String? { get }
    var address: String? { get }
    var port: UInt16 { get }
    var adminPort: UInt16 { get }
    /// How the control plane runs it; empty for an instance elsewhere.
    var deployment: JSON { get }
}

extension ZoneProxy {
    package static var defaultAdminPort: UInt16 { 9901 }

    package var isManaged: Bool { self.address == nil }
    package var replicas: Int? { self.deployment["replicas"]?.int }
}

/// The fields that all of them have.
struct ZoneProxyFields {
    let networking: Fields?
    let zone: String?
    let address: String?
    let port: UInt16
    let adminPort: UInt16
    let deployment: JSON

    init(_ fields: Fields, _ spec: JSON, defaultPort: UInt16) {
        self.networking = fields.object("networking")
        self.zone = fields.string("zone").flatMap { $0.isEmpty ? nil : $0 }
        self.address = self.networking.flatMap { Self.address("address", $0) }
        // Kubernetes fills the port in by the schema's default; elsewhere it has to be written.
        self.port = self.networking?.port("port") ?? defaultPort
        self.adminPort = self.networking?.object("admin")?.port("port") ?? ZoneEgress.defaultAdminPort
        self.deployment = spec["deployment"] ?? [:]
        if let replicas = fields.object("deployment")?.int("replicas"), !(0...1000).contains(replicas) {
            fields.violate("deployment.replicas", "must be in the range [0, 1000]")
        }
    }

    static func address(_ key: String, _ fields: Fields) -> String? {
        guard let text = fields.string(key), !text.isEmpty else { return nil }
        if text == "::" || text == "0.0.0.0" {
            fields.violate(key, "must not be 0.0.0.0 or ::")
        } else if !Address.isValid(text) {
            fields.violate(key, "address has to be valid IP address or domain name")
        }
        return text
    }
}

/// A way out of this zone.
package struct ZoneEgress: ZoneProxy {
    package static let kind = "ZoneEgress"
    package static let role = ZoneProxyRole.egress
    package static let defaultPort: UInt16 = 10002

    package let name: String
    package let zone: String?
    package let address: String?
    package let port: UInt16
    package let adminPort: UInt16
    package let deployment: JSON

    package init(name: String, mesh _: String? = nil, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec)
        let common = ZoneProxyFields(fields, spec, defaultPort: Self.defaultPort)
        self.name = name
        (self.zone, self.address, self.port) = (common.zone, common.address, common.port)
        (self.adminPort, self.deployment) = (common.adminPort, common.deployment)
        try Self.check(name: name, spec: spec, fields)
    }
}
