extension ProxyConfig {
    /// The routes that SNI listeners of `former` had and this table has not, with all that they take; nil without any.
    ///
    /// They are routes by exact names, and so are all of the listener that has lost them: a pattern may mean to take a name over. Those
    /// that end mesh TLS depart with their whole mesh only: what is taken out of a mesh that stays, nobody is to reach any more.
    /// - Parameter certified: meshes of which the proxy has a certificate; it ends no TLS of others.
    package func departed(from former: ProxyConfig, certified: Set<String>) -> ProxyConfig? {
        let staying = Set(self.trust.map(\.mesh))
        var lost = ProxyConfig()
        for listener in former.listeners {
            guard case .sni(let before) = listener.kind, let now = self.routes(of: listener), before != now else { continue }
            let names = Set(now.flatMap(\.sni))
            if names.contains(where: \.isPattern) { continue }
            let gone = before.compactMap { route -> Route? in
                if case .terminate(let mesh, _, _) = route.action, !certified.contains(mesh) || staying.contains(mesh) { return nil }
                var route = route
                route.sni.removeAll { $0.isPattern || names.contains($0) }
                return route.sni.isEmpty ? nil : route
            }
            if gone.isEmpty { continue }
            var listener = listener
            listener.kind = .sni(routes: gone)
            lost.listeners.append(listener)
            let clusters = Set(gone.map(\.action.cluster))
            let meshes = Set(gone.compactMap { if case .terminate(let mesh, _, _) = $0.action { mesh } else { nil } })
            lost.add(
                clusters: former.clusters.filter { clusters.contains($0.name) }, trust: former.trust.filter { meshes.contains($0.mesh) },
                identities: former.identities.filter { meshes.contains($0.mesh) })
        }
        return lost.listeners.isEmpty ? nil : lost
    }

    /// With what has departed from it.
    package func keeping(_ departed: ProxyConfig) -> ProxyConfig {
        var whole = self
        for index in whole.listeners.indices {
            let listener = whole.listeners[index]
            guard case .sni(let own) = listener.kind,
                let routes = departed.listeners.first(where: { $0.isSamePlace(as: listener) })?.routes
            else { continue }
            whole.listeners[index].kind = .sni(routes: own + routes)
        }
        whole.add(clusters: departed.clusters, trust: departed.trust, identities: departed.identities)
        return whole
    }

    private func routes(of listener: Listener) -> [Route]? { self.listeners.first { $0.isSamePlace(as: listener) }?.routes }

    private mutating func add(clusters: [Cluster], trust: [Trust], identities: [IdentityRequest]) {
        func new<Item>(_ items: [Item], beside own: [Item], _ name: KeyPath<Item, String>) -> [Item] {
            let names = Set(own.map { $0[keyPath: name] })
            return items.filter { !names.contains($0[keyPath: name]) }
        }
        self.clusters += new(clusters, beside: self.clusters, \.name)
        self.trust += new(trust, beside: self.trust, \.mesh)
        self.identities += new(identities, beside: self.identities, \.mesh)
    }
}

extension Listener {
    fileprivate func isSamePlace(as other: Listener) -> Bool {
        self.name == other.name && self.address == other.address && self.port == other.port
    }

    /// Of one that takes TLS only.
    fileprivate var routes: [Route]? {
        if case .sni(let routes) = self.kind { routes } else { nil }
    }
}

extension String {
    fileprivate var isPattern: Bool { self.hasPrefix("*") }
}
