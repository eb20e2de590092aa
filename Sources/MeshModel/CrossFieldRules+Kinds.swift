import JSONModel

extension CrossFieldRules {
    /// One source of a certificate or key.
    package static let oneDataSource = "exactly one of secret, inline, inlineString and file has to be set"

    static func dataSource(_ kind: String, _ path: String) -> CrossFieldRule {
        CrossFieldRule(
            kind, path,
            rule: "[has(self.secret), has(self.inline), has(self.inlineString), has(self.file)].filter(present, present).size() == 1",
            message: oneDataSource
        ) { source, _ in ["secret", "inline", "inlineString", "file"].count(where: { source.has($0) }) == 1 }
    }

    private static func notUnspecified(_ kind: String, _ path: String) -> CrossFieldRule {
        CrossFieldRule(kind, path, rule: "self != '0.0.0.0' && self != '::'", message: "must not be 0.0.0.0 or ::") { address, _ in
            address != "0.0.0.0" && address != "::"
        }
    }

    private static func address(_ kind: String, _ path: String) -> CrossFieldRule {
        CrossFieldRule(
            kind, path,
            rule:
                #"self == '' || self.matches('^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?[.]?$') || self.matches('^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$')"#,
            message: "address has to be valid IP address or domain name"
        ) { value, _ in
            let text = value.string ?? ""
            return text.isEmpty || looksLikeName(text) || looksLikeIPv6(text)
        }
    }

    static func looksLikeName(_ text: String) -> Bool {
        func inner(_ byte: UInt8) -> Bool { Characters.tagValue(byte) }
        func edge(_ byte: UInt8) -> Bool { inner(byte) && byte != UInt8(ascii: ".") && byte != UInt8(ascii: "-") }
        let bytes = Array(text.hasSuffix(".") ? text.utf8.dropLast() : text.utf8[...])
        guard let first = bytes.first, let last = bytes.last else { return false }
        return edge(first) && edge(last) && bytes.allSatisfy(inner)
    }

    static func looksLikeIPv6(_ text: String) -> Bool {
        text.contains(":") && text.allSatisfy { $0.isASCII && ($0.isHexDigit || $0 == ":" || $0 == ".") }
    }

    // MARK: Mesh

    static let mesh: [CrossFieldRule] =
        [
            CrossFieldRule(
                "Mesh", "", rule: "size(self.metadata.name) <= 63", message: "name of a mesh cannot be longer than 63 characters"
            ) { mesh, _ in (mesh.at("metadata", "name")?.string ?? "").unicodeScalars.count <= 63 },
            CrossFieldRule(
                "Mesh", "spec",
                rule: "!(has(self.routing) && has(self.routing.zoneEgress) && self.routing.zoneEgress)"
                    + " || (has(self.mtls) && has(self.mtls.enabledBackend) && self.mtls.enabledBackend != '')",
                message: "has to be set when zoneEgress enabled", fieldPath: ".mtls", reason: .required
            ) { spec, _ in
                spec.at("routing", "zoneEgress")?.bool != true || spec["mtls"]?.hasText("enabledBackend") == true
            },
            CrossFieldRule(
                "Mesh", "spec.mtls",
                rule: "!has(self.enabledBackend) || self.enabledBackend == ''"
                    + " || (has(self.backends) && self.backends.exists(backend, backend.name == self.enabledBackend))",
                message: "has to be set to one of the backends in the mesh", fieldPath: ".enabledBackend"
            ) { mtls, _ in
                !mtls.hasText("enabledBackend")
                    || (mtls["backends"]?.array ?? []).contains { $0["name"] == mtls["enabledBackend"] }
            },
            CrossFieldRule(
                "Mesh", "spec.mtls",
                rule: "!has(oldSelf.enabledBackend) || oldSelf.enabledBackend == ''"
                    + " || !has(self.enabledBackend) || self.enabledBackend == '' || self.enabledBackend == oldSelf.enabledBackend",
                message: MeshChange.forbidden, fieldPath: ".enabledBackend", reason: .forbidden
            ) { mtls, old in
                guard let old, old.hasText("enabledBackend"), mtls.hasText("enabledBackend") else { return true }
                return mtls["enabledBackend"] == old["enabledBackend"]
            },
            CrossFieldRule(
                "Mesh", "spec.mtls",
                rule: "!has(oldSelf.enabledBackend) || oldSelf.enabledBackend == '' || !has(oldSelf.backends)"
                    + " || !has(self.enabledBackend) || self.enabledBackend != oldSelf.enabledBackend || !has(self.backends)"
                    + " || oldSelf.backends.all(old, self.backends.all(new, old.name != self.enabledBackend || new.name != old.name"
                    + " || new.type == old.type))",
                message: MeshChange.forbidden, fieldPath: ".backends", reason: .forbidden
            ) { mtls, old in
                guard let old, old.hasText("enabledBackend"), mtls["enabledBackend"] == old["enabledBackend"] else { return true }
                let before = (old["backends"]?.array ?? []).filter { $0["name"] == old["enabledBackend"] }
                return (mtls["backends"]?.array ?? []).allSatisfy { new in
                    before.allSatisfy { $0["name"] != new["name"] || $0["type"] == new["type"] }
                }
            },
            CrossFieldRule(
                "Mesh", "spec.mtls.backends[].conf.caCert",
                rule: "!has(self.generations) || size(self.generations) < 2 || self.generations[0] != self.generations[1]",
                message: "has to name different authorities", fieldPath: ".generations"
            ) { caCert, _ in
                let generations = caCert["generations"]?.array ?? []
                return generations.count < 2 || generations[0] != generations[1]
            },
            CrossFieldRule(
                "Mesh", "spec.mtls.backends[]",
                rule: "self.type != 'provided' || (has(self.conf) && has(self.conf.cert) && has(self.conf.key))",
                message: "cert and key have to be defined", fieldPath: ".conf", reason: .required
            ) { backend, _ in
                backend["type"] != "provided" || (backend["conf"]?.has("cert") == true && backend["conf"]?.has("key") == true)
            },
        ] + ["cert", "key"].map { dataSource("Mesh", "spec.mtls.backends[].conf.\($0)") }

    // MARK: Zone proxies

    static let zoneEgress: [CrossFieldRule] = [
        notUnspecified("ZoneEgress", "spec.networking.address"),
        address("ZoneEgress", "spec.networking.address"),
        CrossFieldRule(
            "ZoneEgress", "spec.networking",
            rule: "!(has(self.admin) && has(self.admin.port) && has(self.port) && self.admin.port == self.port && has(self.address)"
                + " && (self.address == '::1' || self.address.startsWith('127.')))",
            message: "must differ from port", fieldPath: ".admin.port"
        ) { networking, _ in
            guard let admin = networking.at("admin", "port"), !admin.isNull, admin == networking["port"],
                let address = networking["address"]?.string
            else { return true }
            return address != "::1" && !address.hasPrefix("127.")
        },
    ]

    static let zoneIngress: [CrossFieldRule] = [
        notUnspecified("ZoneIngress", "spec.networking.address"),
        address("ZoneIngress", "spec.networking.address"),
        notUnspecified("ZoneIngress", "spec.networking.advertisedAddress"),
        address("ZoneIngress", "spec.networking.advertisedAddress"),
        CrossFieldRule(
            "ZoneIngress", "spec.networking", rule: "!has(self.advertisedAddress) || has(self.advertisedPort)",
            message: "has to be defined with advertisedPort", fieldPath: ".advertisedAddress"
        ) { networking, _ in !networking.has("advertisedAddress") || networking.has("advertisedPort") },
        CrossFieldRule(
            "ZoneIngress", "spec.networking", rule: "!has(self.advertisedPort) || has(self.advertisedAddress)",
            message: "has to be defined with advertisedAddress", fieldPath: ".advertisedPort"
        ) { networking, _ in !networking.has("advertisedPort") || networking.has("advertisedAddress") },
    ]

    // MARK: Dataplane

    static let serviceTag = "mandatory tag \"kuma.io/service\" is missing"

    static let dataplane: [CrossFieldRule] = [
        notUnspecified("Dataplane", "spec.networking.address"),
        address("Dataplane", "spec.networking.address"),
        CrossFieldRule(
            "Dataplane", "spec.networking", rule: "(has(self.inbound) && size(self.inbound) > 0) || has(self.gateway)",
            message: "has to contain at least one inbound interface or gateway", reason: .required
        ) { networking, _ in networking["inbound"]?.array?.isEmpty == false || networking.has("gateway") },
        CrossFieldRule(
            "Dataplane", "spec.networking.inbound[]", rule: "has(self.tags) && 'kuma.io/service' in self.tags",
            message: serviceTag, reason: .required
        ) { inbound, _ in inbound["tags"]?.has(Tag.service) == true },
        CrossFieldRule(
            "Dataplane", "spec.networking.outbound[]",
            rule: "has(self.backendRef) || (has(self.service) && self.service != '') || (has(self.tags) && 'kuma.io/service' in self.tags)",
            message: serviceTag, reason: .required
        ) { outbound, _ in
            outbound.has("backendRef") || outbound.hasText("service") || outbound["tags"]?.has(Tag.service) == true
        },
        CrossFieldRule(
            "Dataplane", "spec.networking.outbound[]", rule: "!has(self.backendRef) || !(has(self.service) || has(self.tags))",
            message: "both backendRef and tags/service cannot be defined", fieldPath: ".backendRef", reason: .forbidden
        ) { outbound, _ in !outbound.has("backendRef") || !(outbound.has("service") || outbound.has("tags")) },
        CrossFieldRule(
            "Dataplane", "spec.networking.outbound[].backendRef", rule: "(has(self.name) && self.name != '') || has(self.labels)",
            message: "either 'name' or 'labels' should be specified", reason: .required
        ) { reference, _ in reference.hasText("name") || reference.has("labels") },
    ]

    // MARK: ExternalService

    static let externalService: [CrossFieldRule] =
        [
            CrossFieldRule(
                "ExternalService", "spec", rule: "has(self.networking)", message: "should have networking", fieldPath: ".networking",
                reason: .required
            ) { spec, _ in spec.has("networking") },
            CrossFieldRule(
                "ExternalService", "spec", rule: "has(self.tags) && 'kuma.io/service' in self.tags", message: serviceTag,
                fieldPath: ".tags", reason: .required
            ) { spec, _ in spec["tags"]?.has(Tag.service) == true },
            CrossFieldRule(
                "ExternalService", "spec",
                rule: "!has(self.tags) || !('kuma.io/service' in self.tags) || !has(self.networking) || !has(self.networking.address)"
                    + " || !self.networking.address.startsWith(self.tags['kuma.io/service'] + ':')",
                message: "tag \"kuma.io/service\" cannot be the same as networking.address", fieldPath: ".tags"
            ) { spec, _ in
                guard let service = spec.at("tags", Tag.service)?.string, let address = spec.at("networking", "address")?.string
                else { return true }
                return !address.hasPrefix("\(service):")
            },
            CrossFieldRule(
                "ExternalService", "spec.tags",
                rule: "!('kuma.io/protocol' in self) || self['kuma.io/protocol'] in ['grpc', 'http', 'http2', 'kafka', 'tcp']",
                message: "tag \"kuma.io/protocol\" has an invalid value. Allowed values: grpc, http, http2, kafka, tcp"
            ) { tags, _ in
                guard let name = tags[Tag.protocolName] else { return true }
                return ["grpc", "http", "http2", "kafka", "tcp"].contains(name.string ?? "")
            },
            CrossFieldRule(
                "ExternalService", "spec.networking", rule: "has(self.address) && self.address != ''",
                message: "address can't be empty", fieldPath: ".address", reason: .required
            ) { networking, _ in networking.hasText("address") },
            CrossFieldRule(
                "ExternalService", "spec.networking.address",
                rule: #"self == '' || self.matches('^([A-Za-z0-9_.-]+|[[][0-9A-Fa-f:.]+[]]):[0-9]+$')"#,
                message: "unable to parse address: it has to be host:port"
            ) { value, _ in
                let text = value.string ?? ""
                if text.isEmpty { return true }
                guard let (host, port) = Address.splitPort(text), !host.isEmpty, !port.isEmpty,
                    port.utf8.allSatisfy({ (0x30...0x39).contains($0) })
                else { return false }
                return text.hasPrefix("[")
                    ? host.allSatisfy { $0.isASCII && ($0.isHexDigit || $0 == ":" || $0 == ".") }
                    : host.utf8.allSatisfy(Characters.tagValue)
            },
            CrossFieldRule(
                "ExternalService", "spec.networking.tls.serverName", rule: "self != ''", message: "cannot be empty", reason: .required
            ) { name, _ in name != "" },
        ] + ["caCert", "clientCert", "clientKey"].map { dataSource("ExternalService", "spec.networking.tls.\($0)") }
}
