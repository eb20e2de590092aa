import MeshModel
import Routing

extension StaticReader {
    mutating func readListeners(_ fields: Fields) {
        for listener in fields.objects("listeners") {
            if let listener = self.listener(listener) { self.result.config.listeners.append(listener) }
        }
    }

    private mutating func listener(_ fields: Fields) -> Listener? {
        fields.only("name", "address", "port", "proxyProtocol", "routes", "service", "passthrough", "originate", "permissive")
        let name = fields.required("name")
        let address = fields.address("address")
        let proxyProtocol = fields.choice("proxyProtocol", ["v2"]).flatMap { ProxyProtocol(rawValue: $0) }
        if !fields.has("port") { fields.violate("port", "is missing") }
        let port = fields.int("port", in: 0...65535)
        let kind: Listener.Kind?
        switch fields.oneOf(["routes", "passthrough", "originate", "permissive"], purpose: "say where its connections go") {
        case "routes":
            if fields.has("service") { fields.violate("service", "belongs to listeners without routes") }
            kind = .sni(routes: self.routes(fields.objects("routes"), of: name ?? ""))
        case "permissive":
            kind = fields.object("permissive").flatMap { self.permissive($0, origin: fields.nonEmpty("service") ?? name ?? "") }
        case .some:
            let service = fields.nonEmpty("service") ?? name ?? ""
            kind = self.action(fields).map { .outbound(service: service, action: $0) }
        case nil: kind = nil
        }
        guard let name, let address, let port, let kind else { return nil }
        return Listener(name: name, address: address, port: UInt16(port), kind: kind, proxyProtocol: proxyProtocol)
    }

    private func permissive(_ fields: Fields, origin: String) -> Listener.Kind? {
        fields.only("terminate", "passthrough")
        for key in ["terminate", "passthrough"] where !fields.has(key) {
            fields.violate(key, "is missing; a permissive listener needs both: terminate for mesh TLS, passthrough for everything else")
        }
        guard let mesh = self.terminate(fields), let other = self.passthrough(fields) else { return nil }
        return .permissive(routes: [Route(sni: ["*"], action: mesh, origin: origin)], other: other)
    }

    private mutating func routes(_ items: [Fields], of listener: String) -> [Route] {
        var routes: [Route] = []
        routes.reserveCapacity(items.count)
        for (index, fields) in items.enumerated() {
            fields.only("name", "sni", "passthrough", "terminate")
            if !fields.has("sni") { fields.violate("sni", "is missing; use [\"*\"] for every name") }
            let names = fields.strings("sni")
            let origin = fields.nonEmpty("name") ?? "\(listener)/\(index)"
            guard fields.oneOf(["passthrough", "terminate"], purpose: "say what becomes of its connections") != nil else { continue }
            guard let names, let action = self.action(fields) else { continue }
            routes.append(Route(sni: names, action: action, origin: origin))
        }
        return routes
    }

    private func action(_ fields: Fields) -> Action? {
        if fields.object("passthrough") != nil { return self.passthrough(fields) }
        if let originate = fields.object("originate") {
            originate.only("mesh", "cluster")
            let (mesh, cluster) = (originate.required("mesh"), originate.required("cluster"))
            guard let mesh, let cluster else { return nil }
            return .originate(mesh: mesh, cluster: cluster)
        }
        return self.terminate(fields)
    }

    private func passthrough(_ fields: Fields) -> Action? {
        guard let passthrough = fields.object("passthrough") else { return nil }
        passthrough.only("cluster")
        return passthrough.required("cluster").map { .passthrough(cluster: $0) }
    }

    private func terminate(_ fields: Fields) -> Action? {
        guard let terminate = fields.object("terminate") else { return nil }
        terminate.only("mesh", "allow", "deny", "cluster")
        let (mesh, cluster) = (terminate.required("mesh"), terminate.required("cluster"))
        let rules = CallerRules(allow: self.callers(terminate, "allow"), deny: self.callers(terminate, "deny"))
        if !terminate.has("allow") {
            terminate.violate("allow", "is missing; name the callers, such as [\"spiffe://default/*\"], or [] for nobody")
        }
        guard let mesh, let cluster else { return nil }
        return .terminate(mesh: mesh, callers: rules, cluster: cluster)
    }

    private func callers(_ fields: Fields, _ key: String) -> [String] {
        let entries = fields.strings(key) ?? []
        for (index, entry) in entries.enumerated() {
            let names = entry.split(separator: " ")
            if names.isEmpty || !names.allSatisfy(Self.isCallerName) {
                fields.violate(
                    "\(key)[\(index)]",
                    "has to be a SPIFFE id such as spiffe://default/web, or a tag such as kuma://version/v1, or end in /* as spiffe://default/*; is \"\(entry)\""
                )
            }
        }
        return entries
    }

    private static func isCallerName(_ name: Substring) -> Bool {
        guard let scheme = ["spiffe://", CallerName.tagScheme].first(where: name.hasPrefix) else { return false }
        let path = name.dropFirst(scheme.count)
        let start = path.hasSuffix("/*") ? path.dropLast(2) : path
        return !start.isEmpty && !start.contains("*")
    }
}
