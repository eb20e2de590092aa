/// The parts about requests, which are checked as in 2.7 and not acted on.
extension TrafficRoute {
    static func checkMatch(_ rule: Fields) {
        let match = rule.object("match")
        guard let match, ["method", "path", "headers"].contains(where: match.has) else {
            rule.violate("match", "must be present and contain at least one of the elements: \"method\", \"path\" or \"headers\"")
            return
        }
        for key in ["method", "path"] { if let matcher = match.object(key) { self.checkMatcher(matcher) } }
        guard let headers = match.object("headers") else { return }
        if headers.keys.isEmpty { match.violate("headers", "must contain at least one element") }
        for name in headers.keys {
            if name.isEmpty { match.violate("headers", "cannot be empty") }
            if let matcher = match.object("headers")?.object(name) { self.checkMatcher(matcher) }
        }
    }

    private static func checkMatcher(_ matcher: Fields) {
        if !["prefix", "exact", "regex"].contains(where: matcher.has) {
            matcher.violate("", "cannot be empty. Available options: \"exact\", \"split\" or \"regex\"")
        }
        for key in ["prefix", "regex"] where matcher.has(key) { _ = matcher.nonEmpty(key) }
    }

    static func checkModify(_ rule: Fields) {
        guard let modify = rule.object("modify") else { return }
        if let path = modify.object("path") {
            self.checkRewrite(path, text: "rewritePrefix", regex: "regex")
            let prefix = rule.object("match")?.object("path")?.string("prefix") ?? ""
            if path.string("rewritePrefix")?.isEmpty == false, prefix.isEmpty {
                path.violate("rewritePrefix", "can only be set when .http.match.path.prefix is not empty")
            }
        }
        if let host = modify.object("host") { self.checkRewrite(host, text: "value", regex: "fromPath") }
        for key in ["requestHeaders", "responseHeaders"] {
            guard let headers = modify.object(key) else { continue }
            for header in headers.objects("add") {
                self.checkHeaderName(header)
                if header.string("value")?.isEmpty != false { header.violate("value", "cannot be empty") }
            }
            for header in headers.objects("remove") { self.checkHeaderName(header) }
        }
    }

    private static func checkRewrite(_ fields: Fields, text: String, regex: String) {
        if fields.has(text) {
            _ = fields.nonEmpty(text)
        } else if let replacement = fields.object(regex) {
            for key in ["pattern", "substitution"] where replacement.string(key)?.isEmpty != false {
                replacement.violate(key, "cannot be empty")
            }
        } else {
            fields.violate("", "either \"\(text)\" or \"\(regex)\" has to be set")
        }
    }

    private static func checkHeaderName(_ header: Fields) {
        let name = header.string("name") ?? ""
        if name.isEmpty {
            header.violate("name", "cannot be empty")
        } else if name.hasPrefix(":") || name.lowercased() == "host" {
            header.violate("name", "host header and HTTP/2 pseudo-headers are not allowed to be modified")
        }
    }

    static func checkBalancer(_ balancer: Fields) {
        if balancer.object("leastRequest")?.int("choiceCount") == 1 {
            balancer.violate("leastRequest.choiceCount", "value must be greater than or equal to 2")
        }
        if let ring = balancer.object("ringHash"), !["XX_HASH", "MURMUR_HASH_2"].contains(ring.string("hashFunction") ?? "") {
            ring.violate("hashFunction", "must have a valid hash function")
        }
    }
}
