/// A configuration in the form that serves: names resolved to positions, patterns to tables.
///
/// Compiling is item by item. What can't be served is named in `errors`; it never widens what the rest allows: a route
/// whose cluster is missing stays in the table and refuses, so that its names don't fall through to a broader route.
package struct CompiledConfig: Sendable {
    package var listeners: [CompiledListener] = []
    /// Names are unique.
    package var clusters: [Cluster] = []
    package var errors: [ItemError] = []

    package init(_ config: ProxyConfig) {
        var positions: [String: Int] = [:]
        for cluster in config.clusters {
            guard positions[cluster.name] == nil else {
                self.errors.append(
                    ItemError(item: "cluster \(cluster.name)", message: "The name is used by another cluster; the first one serves."))
                continue
            }
            positions[cluster.name] = self.clusters.count
            self.clusters.append(self.usable(cluster))
        }
        var names: Set<String> = []
        var addresses: Set<String> = []
        for listener in config.listeners {
            let item = "listener \(listener.name)"
            guard names.insert(listener.name).inserted else {
                self.errors.append(ItemError(item: item, message: "The name is used by another listener; the first one serves."))
                continue
            }
            let address = "\(listener.address) port \(listener.port)"
            guard listener.port == 0 || addresses.insert(address).inserted else {
                self.errors.append(ItemError(item: item, message: "Another listener is bound to \(address); give this one another port."))
                continue
            }
            self.compile(listener, positions)
        }
    }

    /// Without endpoints that nobody can connect to.
    private mutating func usable(_ cluster: Cluster) -> Cluster {
        var cluster = cluster
        let all = cluster.endpoints
        cluster.endpoints.removeAll { $0.port == 0 || $0.address.isEmpty }
        for endpoint in all where endpoint.port == 0 || endpoint.address.isEmpty {
            let message = "The endpoint \"\(endpoint.address)\" port \(endpoint.port) needs an address and a port from 1 to 65535."
            self.errors.append(ItemError(item: "cluster \(cluster.name)", message: message))
        }
        for text in cluster.resolvedAddresses.map({ AddressBlocks($0).unreadable }) ?? [] {
            let message =
                "resolvedAddresses: \"\(text)\" is no block like 10.0.0.0/8 or fc00::/7. What it was meant to deny isn't known, so its host "
                + "names lead nowhere but to allowed blocks."
            self.errors.append(ItemError(item: "cluster \(cluster.name)", message: message))
        }
        return cluster
    }

    private mutating func compile(_ listener: Listener, _ clusters: [String: Int]) {
        var compiled = CompiledListener(listener)
        switch listener.kind {
        case .outbound(let service, let action):
            if case .terminate = action {
                let message = "An outbound listener takes plaintext, so there is no TLS to terminate; use originate or passthrough."
                self.errors.append(ItemError(item: "listener \(listener.name)", message: message))
                return
            }
            self.add(action, origin: service, to: &compiled, clusters)
        case .sni(let routes):
            self.add(routes, to: &compiled, clusters)
        case .permissive(let routes, let other):
            let terminates = routes.allSatisfy { if case .terminate = $0.action { true } else { false } }
            guard terminates, case .passthrough = other else {
                let message =
                    "A permissive listener ends mesh TLS and passes the rest through; use terminate in routes, and passthrough for other."
                self.errors.append(ItemError(item: "listener \(listener.name)", message: message))
                return
            }
            self.add(routes, to: &compiled, clusters)
            self.add(other, origin: listener.name, to: &compiled, clusters)
        }
        self.listeners.append(compiled)
    }

    private mutating func add(_ routes: [Route], to listener: inout CompiledListener, _ clusters: [String: Int]) {
        let (table, errors) = RouteTable.compile(routes, listener: listener.name)
        self.errors += errors
        listener.table = table
        for route in routes { self.add(route.action, origin: route.origin, isOfMesh: route.ofMesh == true, to: &listener, clusters) }
    }

    private mutating func add(
        _ action: Action, origin: String, isOfMesh: Bool = false, to listener: inout CompiledListener, _ clusters: [String: Int]
    ) {
        let item = listener.table == nil ? "listener \(listener.name)" : "route \(origin)"
        let position = clusters[action.cluster]
        if position == nil {
            let message = "There is no cluster \(action.cluster); connections for it are refused with no_endpoint."
            self.errors.append(ItemError(item: item, message: message))
        }
        var verb = CompiledRoute.Verb(action)
        if case .originate = verb, listener.table != nil {
            let message = "Listener \(listener.name) takes TLS, so originate can't apply; its connections are refused with no_endpoint."
            self.errors.append(ItemError(item: item, message: message))
            verb = .refuse
        }
        if case .passthrough = verb, let position, self.clusters[position].speaksTLS {
            // Somebody meant these bytes to be encrypted: sending them as they come would be the worst way to go on.
            let message =
                "Cluster \(action.cluster) asks for TLS, which passthrough never adds; its connections are refused with no_endpoint."
            self.errors.append(ItemError(item: item, message: message))
            verb = .refuse
        }
        listener.routes.append(
            CompiledRoute(
                verb: position == nil ? .refuse : verb,
                sendsProxyHeader: position.map { self.clusters[$0].proxyProtocol != nil } ?? false, isOfMesh: isOfMesh,
                cluster: Int32(position ?? -1)))
        listener.actions.append(action)
        listener.origins.append(origin)
    }
}

package struct CompiledListener: Sendable {
    package let name: String
    package let address: String
    package let port: UInt16
    /// Connections begin with a PROXY protocol header.
    package let takesProxyHeader: Bool
    package let clients: Clients
    /// Of listeners that take TLS; others have one route. A permissive one has a route more, its last, for what is not of the mesh.
    package fileprivate(set) var table: RouteTable?
    /// What the loop needs of each route, without references; `actions` and `origins` have the same positions.
    package fileprivate(set) var routes: [CompiledRoute] = []
    package fileprivate(set) var actions: [Action] = []
    package fileprivate(set) var origins: [String] = []

    /// What clients speak.
    package enum Clients: UInt8, Sendable {
        case tls, plain
        /// Mesh TLS or anything else.
        case either
    }

    /// Where connections go that are none of TLS, or none of the mesh's on a permissive listener. Nil where those are refused.
    package var otherRoute: Int? { self.clients == .tls ? nil : self.routes.count - 1 }

    /// What a connection of another table's route would meet now.
    /// - Parameters:
    ///   - place: the route, of `earlier`.
    ///   - name: the server name, where it has one.
    package func action(_ place: Int, of earlier: CompiledListener, name: UnsafeRawBufferPointer?) -> Action? {
        if place == earlier.otherRoute { return self.otherRoute.map { self.actions[$0] } }
        guard let table = self.table else { return nil }
        return name.flatMap { table.match($0) }.map { self.actions[$0] }
    }

    fileprivate init(_ listener: Listener) {
        self.name = listener.name
        self.address = listener.address
        self.port = listener.port
        self.takesProxyHeader = listener.proxyProtocol != nil
        self.clients =
            switch listener.kind {
            case .sni: .tls
            case .outbound: .plain
            case .permissive: .either
            }
    }
}

/// Eight bytes; see `NameIndex`.
package struct CompiledRoute: Sendable {
    package enum Verb: UInt8, Sendable {
        case passthrough, terminate, originate
        /// Can't be served, see the errors.
        case refuse

        fileprivate init(_ action: Action) {
            self =
                switch action {
                case .passthrough: .passthrough
                case .terminate: .terminate
                case .originate: .originate
                }
        }
    }

    package let verb: Verb
    /// The cluster wants a PROXY protocol header.
    package let sendsProxyHeader: Bool
    /// For clients that offer `MeshTLS.alpn` alone.
    package let isOfMesh: Bool
    /// Position in `CompiledConfig.clusters`, -1 for none.
    package let cluster: Int32
}
