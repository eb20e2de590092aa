package import JSONModel

/// A service outside of every mesh. Several with the same `kuma.io/service` are one service with several endpoints.
package struct ExternalService: MeshResource {
    package static let kind = "ExternalService"

    package let name: String
    package let mesh: MeshName
    package let service: ServiceName
    package let tags: [String: String]
    package let host: String
    package let port: UInt16
    /// Nil: bytes go out as they come.
    package let tls: TLS?
    /// 2.7 fields in use that Egret accepts and does not act on, sorted.
    package let ignoredFields: [String]

    package struct TLS: Hashable, Sendable {
        package let ca: DataSource?
        package let clientCertificate: DataSource?
        package let clientKey: DataSource?
        package let serverName: String?
        package let skipHostnameVerification: Bool
    }

    package var speaks: ApplicationProtocol { self.tags[Tag.protocolName].flatMap(ApplicationProtocol.init) ?? .tcp }

    /// The only zone that can reach it; nil means every zone can.
    package var zone: String? { self.tags[Tag.zone] }

    package init(name: String, mesh: String?, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec)
        self.name = name
        self.mesh = Self.mesh(mesh, fields)
        self.tags = fields.tags("tags") ?? [:]
        let service = self.tags[Tag.service].flatMap { try? ServiceName($0) }
        self.service = service ?? .zoneEgress
        // Callers demand `zone-egress` of the egress itself: a service of that name would be mistaken for it.
        if service == .zoneEgress { fields.violate("tags[\"\(Tag.service)\"]", "cannot be zone-egress, which is the egress's own name") }

        let networking = fields.object("networking")
        (self.host, self.port) = networking.flatMap(Self.endpoint) ?? ("", 0)
        let tls = networking?.object("tls")
        self.tls =
            if let tls, tls.bool("enabled") == true {
                TLS(
                    ca: tls.dataSource("caCert"), clientCertificate: tls.dataSource("clientCert"), clientKey: tls.dataSource("clientKey"),
                    serverName: tls.string("serverName"), skipHostnameVerification: tls.bool("skipHostnameVerification") ?? false)
            } else {
                nil
            }
        var ignored: [String] = []
        if tls?.bool("allowRenegotiation") == true { ignored.append("networking.tls.allowRenegotiation") }
        if networking?.bool("disableHostDNSEntry") == true { ignored.append("networking.disableHostDNSEntry") }
        self.ignoredFields = ignored.sorted()
        try Self.check(name: name, spec: spec, fields)
    }

    /// Nil where a cross-field rule already says what is wrong, or after saying so.
    private static func endpoint(_ networking: Fields) -> (String, UInt16)? {
        guard let address = networking.string("address"), let (host, port) = Address.splitPort(address), !host.isEmpty else { return nil }
        guard Address.isValid(host) else {
            networking.violate("address", "address has to be a valid IP address or a domain name")
            return nil
        }
        guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let number = UInt16(port), number > 0 else {
            networking.violate("address", "port must be in the range [1, 65535]")
            return nil
        }
        return (host, number)
    }
}
