import MeshModel
import Routing

extension StaticReader {
    mutating func readClusters(_ items: [Fields]) {
        for fields in items {
            fields.only("name", "endpoints", "tls", "maxConnections", "proxyProtocol", "resolvedAddresses", "failoverThreshold")
            let name = fields.required("name")
            if !fields.has("endpoints") { fields.violate("endpoints", "is missing; use [] for a cluster that refuses") }
            let endpoints = fields.objects("endpoints").compactMap { self.endpoint($0) }
            var cluster = Cluster(
                name: name ?? "", endpoints: endpoints, maxConnections: fields.int("maxConnections", in: 1...Int.max),
                proxyProtocol: fields.choice("proxyProtocol", ["v2"]).flatMap { .init(rawValue: $0) },
                failoverThreshold: fields.int("failoverThreshold", in: 1...100))
            if let rules = fields.object("resolvedAddresses") {
                rules.only("deny", "allow")
                cluster.resolvedAddresses = AddressRules(deny: rules.strings("deny") ?? [], allow: rules.strings("allow") ?? [])
            }
            if let tls = fields.object("tls") {
                guard let upstream = self.upstream(tls, of: cluster) else {
                    // Never served without the TLS it asks for.
                    if let old = self.previous?.config.clusters.first(where: { $0.name == name }) {
                        self.result.config.clusters.append(old)
                    }
                    continue
                }
                cluster.tls = upstream
            }
            self.result.config.clusters.append(cluster)
        }
    }

    private func endpoint(_ fields: Fields) -> Endpoint? {
        fields.only("address", "port", "weight", "priority", "locality")
        let address = fields.address("address", orName: true)
        if !fields.has("port") { fields.violate("port", "is missing") }
        let port = fields.port("port")
        let weight = fields.int("weight", in: 1...1_000_000) ?? 1
        let priority = fields.int("priority", in: 0...1000) ?? 0
        let locality = fields.nonEmpty("locality")
        guard let address, let port else { return nil }
        return Endpoint(address: address, port: port, weight: weight, priority: priority, locality: locality)
    }

    /// Nil where the settings cannot be used, which is said before.
    private mutating func upstream(_ fields: Fields, of cluster: Cluster) -> UpstreamTLS? {
        if fields.has("mesh") {
            fields.only("mesh", "sni", "peer")
            guard let mesh = fields.required("mesh"), let sni = fields.required("sni"), let peer = fields.required("peer") else {
                return nil
            }
            return .mesh(mesh: mesh, sni: sni, peer: peer)
        }
        fields.only("serverName", "ca", "certificate", "key", "verify", "mesh", "sni", "peer")
        for key in ["sni", "peer"] where fields.has(key) {
            fields.violate(key, "belongs to mesh TLS, which also needs mesh; for the world outside use serverName")
        }
        let item = "cluster \(cluster.name)"
        var tls = ExternalTLS(
            serverName: fields.nonEmpty("serverName") ?? Self.commonName(of: cluster.endpoints),
            verify: fields.choice("verify", ["full", "chain", "none"]).flatMap { .init(rawValue: $0) } ?? .full)
        var isUsable = true
        if let reference = fields.nonEmpty("ca") {
            tls.ca = self.text(reference, "the CA", item)
            // Never the system's roots instead of the one that was asked for.
            isUsable = tls.ca != nil
        }
        if fields.has("certificate") != fields.has("key") {
            fields.violate(fields.has("key") ? "certificate" : "key", "is missing; a client certificate needs both")
        }
        if let certificate = fields.nonEmpty("certificate"), let key = fields.nonEmpty("key") {
            let pair = (self.text(certificate, "the certificate", item), self.text(key, "the key", item))
            if case (let certificate?, let key?) = pair {
                tls.clientCertificate = ClientCertificate(certificate: certificate, key: key)
            } else {
                isUsable = false
            }
        }
        return isUsable ? .external(tls) : nil
    }

    /// What a server of the cluster is called when nobody says so: the host name or address of its endpoints, if it is one.
    private static func commonName(of endpoints: [Endpoint]) -> String? {
        guard let first = endpoints.first?.address, endpoints.allSatisfy({ $0.address == first }) else { return nil }
        return first
    }
}
