package import JSONModel

/// A service outside of the mesh in the newer form: its endpoints, and how TLS to them is verified, stand together. It is
/// always reached through the egress.
package struct MeshExternalService: MeshResource {
    package static let kind = "MeshExternalService"
    package static let nestsSpec = true

    package let name: String
    package let mesh: MeshName
    /// The port that callers ask for; part of the server name, not of any address.
    package let port: UInt16
    package let speaks: ApplicationProtocol
    package let endpoints: [Endpoint]
    /// Nil: bytes go out as they come.
    package let tls: TLS?
    /// A plugin of Kong Mesh that would serve it.
    package let extensionType: String?
    /// Fields in use that Egret accepts and does not act on, sorted.
    package let ignoredFields: [String]

    package struct Endpoint: Hashable, Sendable {
        package let address: String
        package let port: UInt16
        package let priority: Int
    }

    package struct TLS: Hashable, Sendable {
        package let mode: Mode
        /// Nil: each endpoint's own host name.
        package let serverName: String?
        package let subjectAltNames: [SubjectAltName]
        package let ca: DataSource?
        package let clientCertificate: DataSource?
        package let clientKey: DataSource?
        /// Nil: as low and as high as both sides can.
        package let minVersion: Version?
        package let maxVersion: Version?
    }

    package enum Mode: String, Hashable, Sendable, CaseIterable {
        /// Chain and name.
        case secured = "Secured"
        /// The chain only.
        case skipSAN = "SkipSAN"
        /// Neither: a name without a chain proves nothing.
        case skipCA = "SkipCA"
        case skipAll = "SkipAll"
    }

    package enum Version: Int, Hashable, Sendable, Comparable {
        case tls10 = 10
        case tls11, tls12, tls13

        package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

        package var text: String { "TLS\(self.rawValue)" }
    }

    package struct SubjectAltName: Hashable, Sendable {
        package let isPrefix: Bool
        package let value: String
    }

    package init(name: String, mesh: String?, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec, at: "spec")
        var ignored: [String] = []
        self.name = name
        self.mesh = Self.mesh(mesh, fields)
        if name.utf8.count > 63 { fields.violateResource("name", "must not be longer than 63 characters") }

        (self.port, self.speaks) = Self.match(fields)
        let plugin = fields.object("extension")
        self.extensionType = plugin.map { $0.string("type") ?? "" }
        if self.extensionType?.isEmpty == true { plugin?.violate("type", "must not be empty") }
        if plugin == nil {
            self.endpoints = fields.objects("endpoints").compactMap(Self.endpoint)
            let tls = fields.object("tls")
            // Read even where it is off, for what is wrong with it.
            let settings = tls.map { Self.tls($0, &ignored) }
            self.tls = tls?.bool("enabled") == true ? settings : nil
            if self.tls == nil { ignored = [] }
        } else {
            self.endpoints = []
            self.tls = nil
        }
        self.ignoredFields = ignored.sorted()
        try Self.check(name: name, spec: spec, fields)
    }

    private static func match(_ fields: Fields) -> (UInt16, ApplicationProtocol) {
        let match = fields.object("match")
        if let type = match?.string("type"), type != "HostnameGenerator", !type.isEmpty {
            match?.violate("type", "unrecognized type '\(type)' - only 'HostnameGenerator' is supported")
        }
        let text = match?.string("protocol") ?? "tcp"
        let speaks = ApplicationProtocol(rawValue: text).flatMap { $0 == .kafka ? nil : $0 }
        let port = match.flatMap { Self.port($0) }
        if match == nil { fields.violate("match.port", Self.portText) }
        if speaks == nil { match?.violate("protocol", Self.oneOf("protocol", ["tcp", "grpc", "http", "http2"])) }
        return (port ?? 0, speaks ?? .tcp)
    }

    private static let portText = "port must be a valid (1-65535)"

    private static func oneOf(_ field: String, _ choices: [String]) -> String {
        "\"\(field)\" must be one of [\(choices.map { "\"\($0)\"" }.joined(separator: ", "))]"
    }

    private static func port(_ fields: Fields) -> UInt16? {
        let number = fields.int("port") ?? 0
        if (1...65535).contains(number) { return UInt16(number) }
        fields.violate("port", Self.portText)
        return nil
    }

    private static func endpoint(_ fields: Fields) -> Endpoint? {
        let address = fields.string("address") ?? ""
        let port = Address.isValid(address) ? Self.port(fields) : nil
        if !Address.isValid(address) { fields.violate("address", "address has to be a valid IP or hostname") }
        let priority = fields.int("priority") ?? 0
        if !(0...128).contains(priority) { fields.violate("priority", "must be in inclusive range [0, 128]") }
        return port.map { Endpoint(address: address, port: $0, priority: priority) }
    }

    private static func tls(_ tls: Fields, _ ignored: inout [String]) -> TLS {
        if tls.bool("allowRenegotiation") == true { ignored.append("tls.allowRenegotiation") }
        let version = tls.object("version")
        let minimum = version.flatMap { Self.version("min", $0) }
        let maximum = version.flatMap { Self.version("max", $0) }
        if let minimum, let maximum, minimum > maximum { version?.violate("min", "min version must be lower than max") }
        // What is older than TLS 1.2 is not spoken; asking for at least that much costs nobody anything.
        if let minimum, minimum < .tls12 { ignored.append("tls.version.min") }

        let verification = tls.object("verification")
        let modes = ["SkipSAN", "SkipCA", "SkipAll", "Secured"]
        let text = verification?.string("mode") ?? ""
        let mode = text.isEmpty ? Mode.secured : Mode(rawValue: text)
        if mode == nil { verification?.violate("mode", Self.oneOf("mode", modes)) }
        let serverName = verification?.string("serverName")
        if let serverName, !Address.isDomainName(serverName) { verification?.violate("serverName", "must be a valid DNS name") }
        let names = verification?.objects("subjectAltNames").map { item -> SubjectAltName in
            let type = item.string("type") ?? "Exact"
            if !["Prefix", "Exact"].contains(type) { item.violate("type", Self.oneOf("type", ["Prefix", "Exact"])) }
            return SubjectAltName(isPrefix: type == "Prefix", value: item.nonEmpty("value") ?? "")
        }
        if verification?.has("clientCert") == true, verification?.has("clientKey") == false {
            verification?.violate("clientKey", "must be defined when clientCert is defined")
        }
        if verification?.has("clientKey") == true, verification?.has("clientCert") == false {
            verification?.violate("clientCert", "must be defined when clientKey is defined")
        }
        return TLS(
            mode: mode ?? .secured, serverName: serverName, subjectAltNames: names ?? [], ca: verification?.dataSource("caCert"),
            clientCertificate: verification?.dataSource("clientCert"), clientKey: verification?.dataSource("clientKey"),
            minVersion: minimum, maxVersion: maximum)
    }

    /// Nil for `TLSAuto`, too.
    private static func version(_ key: String, _ fields: Fields) -> Version? {
        let known = ["TLSAuto", "TLS10", "TLS11", "TLS12", "TLS13"]
        guard let text = fields.string(key) else { return nil }
        if !known.contains(text) { fields.violate(key, Self.oneOf(key, known)) }
        return text.hasPrefix("TLS") ? Int(text.dropFirst(3)).flatMap(Version.init) : nil
    }
}
