// The TLS of a cluster as a whole: its own, and that of endpoints that differ.
extension Cluster {
    /// What a connection to one of its endpoints speaks.
    package func tls(of endpoint: Endpoint) -> UpstreamTLS { endpoint.tls ?? self.tls }

    /// Every `ExternalTLS` in use; `endpoint` is nil for the cluster's own.
    package var externals: [(endpoint: Endpoint?, tls: ExternalTLS)] {
        var found: [(endpoint: Endpoint?, tls: ExternalTLS)] = []
        if case .external(let tls) = self.tls { found.append((nil, tls)) }
        for endpoint in self.endpoints {
            if case .external(let tls)? = endpoint.tls { found.append((endpoint, tls)) }
        }
        return found
    }

    /// Some connection to it is made under TLS.
    package var speaksTLS: Bool {
        self.tls != .none || self.endpoints.contains { $0.tls.map { $0 != UpstreamTLS.none } ?? false }
    }

    /// Changes every `ExternalTLS` in use.
    package mutating func changeExternals(_ change: (inout ExternalTLS) -> Void) {
        func changed(_ tls: UpstreamTLS) -> UpstreamTLS {
            guard case .external(var external) = tls else { return tls }
            change(&external)
            return .external(external)
        }
        self.tls = changed(self.tls)
        for index in self.endpoints.indices { self.endpoints[index].tls = self.endpoints[index].tls.map(changed) }
    }
}
