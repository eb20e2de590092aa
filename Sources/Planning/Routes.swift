import FoundationEssentials
import KubeAPI
import MeshModel

/// Where connections may be sent.
enum Destination: Hashable {
    /// By the tags of services.
    case subset(Subset)
    case meshExternal(Dataplane.ExternalReference)
}

/// A destination and its part of the connections.
struct RouteShare: Hashable {
    let weight: Int
    let destination: Destination
}

/// What routes say about one outbound.
enum RouteVerdict: Hashable {
    /// Nothing: it goes where it asks to go.
    case asAsked
    case shares([RouteShare])
    /// The mesh has TrafficRoutes and none of them is about it.
    case nowhere
}

extension World {
    /// A TrafficRoute and when it was made.
    struct TagRoute {
        let created: Date
        let route: TrafficRoute
    }

    /// What a MeshHTTPRoute or a MeshTCPRoute says about every connection to a service.
    struct ConnectionRoute {
        /// MeshHTTPRoutes go before MeshTCPRoutes.
        enum Precedence: Int, Comparable {
            case connections, requests

            static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
        }

        let mesh: MeshName
        let precedence: Precedence
        /// The proxies whose connections are meant.
        let target: TargetRef
        /// The service that is called.
        let to: TargetRef
        let backends: [BackendRef]
    }

    /// Both go before TrafficRoutes.
    func routing(of outbound: Dataplane.Outbound, from dataplane: Dataplane) -> RouteVerdict {
        if let shares = self.connectionRoute(of: outbound, from: dataplane) { return .shares(shares) }
        guard outbound.external == nil, let routes = self.tagRoutes[dataplane.mesh], !routes.isEmpty else { return .asAsked }
        guard let route = Self.tagRoute(of: outbound, from: dataplane, routes) else { return .nowhere }
        let shares = route.split.compactMap { share -> RouteShare? in
            // What a route leaves open is as the outbound has it.
            let tags = outbound.tags.merging(share.destination.tags.filter { $0.value != TagSelector.any }) { _, route in route }
            return Subset(tags: tags).map { RouteShare(weight: share.weight, destination: .subset($0)) }
        }
        return .shares(shares)
    }

    /// Of all that match, the one that says most about source and destination together; of equals the newest; of those the
    /// one whose name sorts first.
    private static func tagRoute(of outbound: Dataplane.Outbound, from dataplane: Dataplane, _ routes: [TagRoute]) -> TrafficRoute? {
        let called = [Tag.service: outbound.service]
        var best: (rank: TagSelector.Rank, created: Date, route: TrafficRoute)?
        for candidate in routes {
            let sources = candidate.route.sources.filter { source in dataplane.tagSets.contains { source.matches($0) } }
            guard let source = sources.map(\.rank).max(),
                let destination = candidate.route.destinations.filter({ $0.matches(called) }).map(\.rank).max()
            else { continue }
            let rank = source + destination
            if let best, (best.rank, best.created) >= (rank, candidate.created) { continue }
            best = (rank, candidate.created, candidate.route)
        }
        return best?.route
    }

    /// Of those of the first kind the one that says most about the dataplane; of equals the first.
    private func connectionRoute(of outbound: Dataplane.Outbound, from dataplane: Dataplane) -> [RouteShare]? {
        var best: (rank: (ConnectionRoute.Precedence, specificity: Int), route: ConnectionRoute)?
        for route in self.connectionRoutes[dataplane.mesh] ?? [] where Self.isMeant(outbound, by: route.to) {
            guard let specificity = Self.specificity(of: route.target, for: dataplane) else { continue }
            let rank = (route.precedence, specificity)
            if let best, best.rank >= rank { continue }
            best = (rank, route)
        }
        return best?.route.backends.map { RouteShare(weight: $0.weight, destination: $0.destination) }
    }

    private static func isMeant(_ outbound: Dataplane.Outbound, by reference: TargetRef) -> Bool {
        switch reference.kind {
        case .meshExternalService: outbound.external?.name == reference.name
        case .meshService: outbound.external == nil && outbound.service == reference.name
        default: false
        }
    }

    /// How much a target says about a dataplane; nil when it is about others.
    static func specificity(of target: TargetRef, for dataplane: Dataplane) -> Int? {
        let tagSets = dataplane.tagSets
        return switch target.kind {
        case .mesh: 0
        case .meshSubset: tagSets.contains { Self.covers(target.tags, $0) } ? 1 : nil
        case .meshService: tagSets.contains { $0[Tag.service] == target.name } ? 2 : nil
        case .meshServiceSubset: tagSets.contains { $0[Tag.service] == target.name && Self.covers(target.tags, $0) } ? 3 : nil
        case .meshGateway, .meshExternalService: nil
        }
    }
}

extension Dataplane {
    /// Of each inbound, and of a gateway.
    var tagSets: [[String: String]] { self.inbounds.map(\.tags) + [self.gatewayTags].compactMap(\.self) }
}

extension TrafficRoute {
    /// Whatever it may lead to.
    var allDestinations: [TagSelector] { self.split.map(\.destination) + self.requestDestinations }
}

extension MeshTCPRoute {
    /// Of entries about one service the last counts.
    var connectionRoutes: [World.ConnectionRoute] {
        self.rules.reversed().compactMap { rule in
            rule.backends.map {
                World.ConnectionRoute(mesh: self.mesh, precedence: .connections, target: self.target, to: rule.to, backends: $0)
            }
        }
    }

    /// Whatever it may lead to.
    var allDestinations: [Destination] { self.rules.flatMap { $0.backends ?? [] }.map(\.destination) }
}

extension MeshHTTPRoute {
    /// Of entries about one service the last counts, of its rules the first.
    var connectionRoutes: [World.ConnectionRoute] {
        self.to.reversed().flatMap { to in
            to.rules.filter { $0.isAboutEverything && !$0.backends.isEmpty }.map {
                World.ConnectionRoute(mesh: self.mesh, precedence: .requests, target: self.target, to: to.service, backends: $0.backends)
            }
        }
    }

    /// Whatever requests may be sent to: without a word about it the service itself.
    var allDestinations: [Destination] {
        self.to.flatMap { to in
            to.rules.flatMap { rule in
                (rule.backends.isEmpty ? [BackendRef(reference: to.service)] : rule.backends) + rule.mirrors
            }
        }.map(\.destination)
    }
}

extension BackendRef {
    var destination: Destination {
        switch self.reference.kind {
        case .meshExternalService: .meshExternal(Dataplane.ExternalReference(name: self.reference.name ?? "", port: self.port))
        default: .subset(Subset(service: self.reference.name ?? "", tags: self.reference.tags))
        }
    }
}
