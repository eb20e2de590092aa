import ClientHello
import Routing

/// What the loop needs of a listener for each connection: plain bytes, so that reading them counts no references. Alive as long
/// as its `LiveTable`.
struct LiveListener {
    /// With plain ones there is one route and no hello.
    let clients: CompiledListener.Clients
    let takesProxyHeader: Bool
    let routes: UnsafePointer<CompiledRoute>
    /// As `CompiledListener.otherRoute`.
    let otherRoute: Int?
    private let matcher: Unmanaged<Matcher>

    /// Holds the routes by name where a pointer can lead.
    private final class Matcher: Sendable {
        let table: RouteTable?
        init(_ table: RouteTable?) { self.table = table }
    }

    /// The position of the route for a client with this hello.
    func route(_ hello: ClientHello) -> Int? {
        if self.clients == .plain || self.clients == .either && !hello.isOfMesh { return self.otherRoute }
        guard let route = self.match(hello.serverName), !self.routes[route].isOfMesh || hello.isOfMesh else { return nil }
        return route
    }

    private func match(_ name: ServerName) -> Int? { self.matcher._withUnsafeGuaranteedRef { $0.table?.match(name) } }

    static func make(_ listeners: [CompiledListener]) -> UnsafePointer<LiveListener> {
        let live = UnsafeMutablePointer<LiveListener>.allocate(capacity: max(1, listeners.count))
        for (position, listener) in listeners.enumerated() {
            let routes = UnsafeMutablePointer<CompiledRoute>.allocate(capacity: max(1, listener.routes.count))
            for (position, route) in listener.routes.enumerated() { (routes + position).initialize(to: route) }
            (live + position).initialize(
                to: LiveListener(
                    clients: listener.clients, takesProxyHeader: listener.takesProxyHeader, routes: UnsafePointer(routes),
                    otherRoute: listener.otherRoute,
                    matcher: .passRetained(Matcher(listener.table))))
        }
        return UnsafePointer(live)
    }

    static func free(_ listeners: UnsafePointer<LiveListener>, count: Int) {
        for position in 0..<count {
            listeners[position].routes.deallocate()
            listeners[position].matcher.release()
        }
        listeners.deallocate()
    }
}
