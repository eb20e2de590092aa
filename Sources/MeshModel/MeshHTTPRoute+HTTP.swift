/// The parts about requests, which are checked as in 2.7. Several of their rules are among `CrossFieldRules`.
extension MeshHTTPRoute {
    static func check(_ match: Fields) {
        if let path = match.object("path") {
            path.demand("type", "value")
            _ = path.choice("type", ["Exact", "PathPrefix", "RegularExpression"])
            _ = path.nonEmpty("value")
        }
        _ = match.choice("method", ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"])
        var parameters: Set<String> = []
        for parameter in match.objects("queryParams") {
            parameter.demand("type", "name", "value")
            _ = parameter.choice("type", ["Exact", "RegularExpression"])
            _ = parameter.string("value")
            guard let name = parameter.nonEmpty("name") else { continue }
            if !parameters.insert(name).inserted { parameter.violate("name", "multiple entries for name \(name)") }
        }
        for header in match.objects("headers") {
            Self.checkHeaderName(header)
            _ = header.choice("type", ["Exact", "Present", "RegularExpression", "Absent", "Prefix"])
            _ = header.string("value")
        }
    }

    /// Where a filter sends copies of requests, if that is what it does; checks it whatever it does.
    static func mirror(_ filter: Fields, target: TargetRef, matches: [Fields]) -> BackendRef? {
        filter.demand("type")
        switch filter.choice("type", ["RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "RequestMirror"])
        {
        case "RequestHeaderModifier": filter.object("requestHeaderModifier").map(Self.checkModifier)
        case "ResponseHeaderModifier": filter.object("responseHeaderModifier").map(Self.checkModifier)
        case "RequestRedirect":
            guard let redirect = filter.object("requestRedirect") else { break }
            _ = redirect.choice("scheme", ["http", "https"])
            _ = redirect.port("port")
            if let code = redirect.int("statusCode"), ![301, 302, 303, 307, 308].contains(code) {
                redirect.violate("statusCode", "has to be one of 301, 302, 303, 307, 308; is \(code)")
            }
            Self.checkRewrite(redirect, matches)
        case "URLRewrite":
            guard let rewrite = filter.object("urlRewrite") else { break }
            Self.checkRewrite(rewrite, matches)
            if rewrite.bool("hostToBackendHostname") == true, target.kind != .meshGateway {
                rewrite.violate("hostToBackendHostname", "can only be set with MeshGateway")
            }
        case "RequestMirror":
            guard let mirror = filter.object("requestMirror") else { break }
            mirror.demand("backendRef")
            if let percentage = mirror.numberOrString("percentage"), Double(percentage)?.isFinite != true {
                mirror.violate("percentage", "must be a number, such as 10 or \"0.5\"; is \"\(percentage)\"")
            }
            return mirror.object("backendRef")?.backendRef([.meshService, .meshServiceSubset])
        default: break
        }
        return nil
    }

    /// Host and path of a redirect or of a rewritten request.
    private static func checkRewrite(_ rewrite: Fields, _ matches: [Fields]) {
        if let hostname = rewrite.string("hostname") {
            if Address.isIP(hostname) {
                rewrite.violate("hostname", "cannot be an IP address")
            } else {
                if hostname.utf8.count > 253 { rewrite.violate("hostname", "must be no more than 253 characters") }
                if !Self.isSubdomain(hostname) { rewrite.violate("hostname", Self.noSubdomain) }
            }
        }
        guard let path = rewrite.object("path") else { return }
        path.demand("type")
        _ = path.choice("type", ["ReplaceFullPath", "ReplacePrefixMatch"])
        _ = path.string("replaceFullPath")
        let isOfPrefixes = matches.allSatisfy { $0.object("path")?.string("type") == "PathPrefix" }
        if path.string("replacePrefixMatch") != nil, !isOfPrefixes {
            path.violate("replacePrefixMatch", "can only appear if all matches match a path prefix")
        }
    }

    private static func checkModifier(_ modifier: Fields) {
        var names: Set<String> = []
        for key in ["set", "add"] {
            let headers = modifier.objects(key)
            Self.checkCount(headers.count, modifier, key)
            for header in headers {
                Self.checkHeaderName(header)
                header.demand("value")
                _ = header.string("value")
                if let name = header.string("name"), !names.insert(name).inserted { header.violate("name", Self.duplicate) }
            }
        }
        let removed = modifier.strings("remove") ?? []
        Self.checkCount(removed.count, modifier, "remove")
        for (index, name) in removed.enumerated() where !names.insert(name).inserted {
            modifier.violate("remove[\(index)].name", Self.duplicate)
        }
    }

    private static func checkCount(_ count: Int, _ fields: Fields, _ key: String) {
        if count > 16 { fields.violate(key, "must have at most 16 items") }
    }

    private static func checkHeaderName(_ header: Fields) {
        header.demand("name")
        guard let name = header.string("name") else { return }
        if name.isEmpty || name.utf8.count > 256 || !name.utf8.allSatisfy(Characters.headerName) {
            header.violate("name", "must be a header's name of at most 256 characters, in lower case; is \"\(name)\"")
        }
    }

    private static func isSubdomain(_ text: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            label.first != "-" && label.last != "-" && !label.isEmpty && label.utf8.allSatisfy(Characters.label)
        }
    }

    private static let duplicate = "duplicate header name"
    private static let noSubdomain =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
        + "alphanumeric character (e.g. 'example.com', regex used for validation is "
        + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
}
