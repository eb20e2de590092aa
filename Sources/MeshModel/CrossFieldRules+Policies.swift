import JSONModel

extension CrossFieldRules {
    // MARK: Selectors by tags

    private static func notEmpty(_ kind: String, _ list: String) -> CrossFieldRule {
        CrossFieldRule(
            kind, "spec", rule: "has(self.\(list)) && size(self.\(list)) > 0", message: "must have at least one element",
            fieldPath: ".\(list)", reason: .required
        ) { spec, _ in spec[list]?.array?.isEmpty == false }
    }

    private static func someTag(_ kind: String, _ path: String) -> CrossFieldRule {
        CrossFieldRule(kind, path, rule: "size(self) > 0", message: "must have at least one tag", reason: .required) { tags, _ in
            tags.object?.isEmpty == false
        }
    }

    private static func someService(_ kind: String, _ path: String) -> CrossFieldRule {
        CrossFieldRule(kind, path, rule: "'kuma.io/service' in self", message: serviceTag, reason: .required) { tags, _ in
            tags.has(Tag.service)
        }
    }

    static let trafficPermission: [CrossFieldRule] = ["sources", "destinations"].flatMap { list in
        [notEmpty("TrafficPermission", list), someTag("TrafficPermission", "spec.\(list)[].match")]
    }

    static let trafficRoute: [CrossFieldRule] = {
        let kind = "TrafficRoute"
        return [
            notEmpty(kind, "sources"), notEmpty(kind, "destinations"), someTag(kind, "spec.sources[].match"),
            someService(kind, "spec.sources[].match"),
            CrossFieldRule(
                kind, "spec.destinations[].match", rule: "size(self) == 1 && 'kuma.io/service' in self",
                message: "must consist of exactly one tag \"kuma.io/service\""
            ) { tags, _ in tags.object?.count == 1 && tags.has(Tag.service) },
            CrossFieldRule(kind, "spec", rule: "has(self.conf)", message: "cannot be empty", fieldPath: ".conf", reason: .required) {
                spec, _ in spec.has("conf")
            },
            CrossFieldRule(
                kind, "spec.conf", rule: "has(self.destination) || has(self.split)",
                message: "requires either \"destination\" or \"split\"", reason: .required
            ) { conf, _ in conf.has("destination") || conf.has("split") },
            CrossFieldRule(
                kind, "spec.conf", rule: "!has(self.destination) || !has(self.split)",
                message: "\"split\" cannot be defined at the same time as \"destination\"", reason: .forbidden
            ) { conf, _ in !conf.has("destination") || !conf.has("split") },
            someTag(kind, "spec.conf.destination"), someService(kind, "spec.conf.destination"),
            someTag(kind, "spec.conf.split[].destination"), someService(kind, "spec.conf.split[].destination"),
            CrossFieldRule(
                kind, "spec.conf.split", rule: "size(self) == 0 || self.exists(share, has(share.weight) && share.weight > 0)",
                message: "there must be at least one split entry with weight above 0"
            ) { split, _ in
                let shares = split.array ?? []
                return shares.isEmpty || shares.contains { ($0["weight"]?.int ?? 0) > 0 }
            },
        ]
    }()

    // MARK: References

    /// A name is needed where one thing is meant.
    static func named(_ kind: String, _ path: String, _ referent: String) -> CrossFieldRule {
        CrossFieldRule(
            kind, path, rule: "self.kind != '\(referent)' || (has(self.name) && self.name != '')",
            message: "must be set with kind \(referent)",
            fieldPath: ".name", reason: .required
        ) { reference, _ in reference["kind"]?.string != referent || reference.hasText("name") }
    }

    static let meshTrafficPermission: [CrossFieldRule] =
        ["MeshService", "MeshServiceSubset", "MeshExternalService"].map { named("MeshTrafficPermission", "spec.targetRef", $0) }
        + ["MeshService", "MeshServiceSubset"].map { named("MeshTrafficPermission", "spec.from[].targetRef", $0) }

    private static func routeReferences(_ kind: String) -> [CrossFieldRule] {
        ["MeshService", "MeshServiceSubset"].map { named(kind, "spec.targetRef", $0) }
            + ["MeshService", "MeshExternalService"].map { named(kind, "spec.to[].targetRef", $0) }
            + ["MeshService", "MeshServiceSubset", "MeshExternalService"].map {
                named(kind, "spec.to[].rules[].default.backendRefs[]", $0)
            }
    }

    static let meshTCPRoute: [CrossFieldRule] = routeReferences("MeshTCPRoute")

    // MARK: MeshHTTPRoute

    static let meshHTTPRoute: [CrossFieldRule] = {
        let kind = "MeshHTTPRoute"
        let (match, filter) = ("spec.to[].rules[].matches[]", "spec.to[].rules[].default.filters[]")
        let filters = [
            ("RequestHeaderModifier", "requestHeaderModifier"), ("ResponseHeaderModifier", "responseHeaderModifier"),
            ("RequestRedirect", "requestRedirect"), ("URLRewrite", "urlRewrite"), ("RequestMirror", "requestMirror"),
        ]
        return routeReferences(kind)
            + ["MeshService", "MeshServiceSubset"].map { named(kind, "\(filter).requestMirror.backendRef", $0) }
            + [
                CrossFieldRule(
                    kind, "\(match).path", rule: "self.type == 'RegularExpression' || self.value.startsWith('/')",
                    message: "must be an absolute path", fieldPath: ".value"
                ) { path, _ in
                    path["type"] == "RegularExpression" || path["value"]?.string.map { $0.utf8.first == UInt8(ascii: "/") } ?? true
                },
                CrossFieldRule(
                    kind, "\(match).path", rule: "self.type != 'PathPrefix' || self.value == '/' || !self.value.endsWith('/')",
                    message: "does not need a trailing slash because only a `/`-separated prefix or an entire path is matched",
                    fieldPath: ".value"
                ) { path, _ in
                    path["type"] != "PathPrefix" || path["value"] == "/" || path["value"]?.string?.utf8.last != UInt8(ascii: "/")
                },
                CrossFieldRule(
                    kind, "\(match).headers[]",
                    rule: "!has(self.type) || (self.type != 'Present' && self.type != 'Absent') || !has(self.value) || self.value == ''",
                    message: "must not be defined", fieldPath: ".value", reason: .forbidden
                ) { header, _ in !["Present", "Absent"].contains(header["type"]?.string) || !header.hasText("value") },
            ]
            + filters.map { type, field in
                CrossFieldRule(
                    kind, filter, rule: "self.type != '\(type)' || has(self.\(field))", message: "must be defined",
                    fieldPath: ".\(field)", reason: .required
                ) { filter, _ in filter["type"]?.string != type || filter.has(field) }
            }
            + ["requestHeaderModifier", "responseHeaderModifier"].map { field in
                CrossFieldRule(
                    kind, "\(filter).\(field)", rule: "has(self.set) || has(self.add) || has(self.remove)",
                    message: "must have at least one defined: set, add, remove", reason: .required
                ) { modifier, _ in ["set", "add", "remove"].contains(where: modifier.has) }
            }
            + [
                CrossFieldRule(
                    kind, "\(filter).urlRewrite",
                    rule: "!has(self.hostname) || !has(self.hostToBackendHostname) || !self.hostToBackendHostname",
                    message: "cannot be set together with hostname", fieldPath: ".hostToBackendHostname", reason: .forbidden
                ) { rewrite, _ in !rewrite.has("hostname") || rewrite["hostToBackendHostname"]?.bool != true }
            ]
    }()

    // MARK: MeshExternalService

    static let meshExternalService: [CrossFieldRule] = {
        let kind = "MeshExternalService"
        func pair(_ key: String, _ other: String) -> CrossFieldRule {
            CrossFieldRule(
                kind, "spec.tls.verification", rule: "!has(self.\(other)) || has(self.\(key))",
                message: "must be defined when \(other) is defined", fieldPath: ".\(key)", reason: .required
            ) { verification, _ in !verification.has(other) || verification.has(key) }
        }
        return [
            CrossFieldRule(
                kind, "", rule: "self.metadata.name.size() <= 63", message: "must not be longer than 63 characters"
            ) { object, _ in (object.at("metadata", "name")?.string ?? "").unicodeScalars.count <= 63 },
            CrossFieldRule(
                kind, "spec.endpoints[].address",
                rule:
                    #"self.matches('^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?[.]?$') || self.matches('^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$')"#,
                message: "address has to be a valid IP or hostname"
            ) { value, _ in
                let text = value.string ?? ""
                return looksLikeName(text) || looksLikeIPv6(text)
            },
            CrossFieldRule(
                kind, "spec.tls.version",
                rule: "!has(self.min) || !has(self.max) || self.min == 'TLSAuto' || self.max == 'TLSAuto' || self.min <= self.max",
                message: "min version must be lower than max", fieldPath: ".min"
            ) { version, _ in
                guard let low = version["min"]?.string, let high = version["max"]?.string, low != "TLSAuto", high != "TLSAuto"
                else { return true }
                // By scalars, as CEL does.
                return !high.unicodeScalars.lexicographicallyPrecedes(low.unicodeScalars)
            },
            CrossFieldRule(
                kind, "spec.tls.verification.serverName",
                rule: "self.matches('^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?[.]?$')", message: "must be a valid DNS name"
            ) { value, _ in looksLikeName(value.string ?? "") },
            pair("clientKey", "clientCert"), pair("clientCert", "clientKey"),
            CrossFieldRule(
                kind, "spec.extension", rule: "has(self.type) && self.type != ''", message: "must not be empty", fieldPath: ".type",
                reason: .required
            ) { plugin, _ in plugin.hasText("type") },
        ] + ["caCert", "clientCert", "clientKey"].map { dataSource(kind, "spec.tls.verification.\($0)") }
    }()
}
