import FoundationEssentials
import JSONModel
package import Routing

/// A `ProxyConfig` read from text that this program may only partly understand: items it cannot read, such as those of a newer
/// control plane, are left out and named; the rest is whole.
package struct ConfigReading: Hashable, Sendable {
    package private(set) var config: ProxyConfig
    package private(set) var errors: [ItemError]
    /// Each line of the text is an item of `config`, in the order of `ConfigItem`, so that lines need not be read again.
    private var isExact: Bool

    package init(_ text: ConfigText) {
        var composition = Composition()
        for block in text.blocks {
            for index in 0..<block.count { composition.read(block.bytes[block.line(index)]) }
        }
        self.init(composition)
    }

    /// Reads only what is new.
    /// - Parameter previous: the reading that the update's edits start from.
    package init(_ update: ConfigUpdate, after previous: ConfigReading?) {
        guard let edits = update.edits, let previous, previous.isExact else {
            self.init(update.text)
            return
        }
        var composition = Composition()
        var old = ConfigItems(previous.config)
        var block = 0
        var line = 0
        /// The update's text, line by line beside the edits.
        func advance(_ count: Int, _ body: (ArraySlice<UInt8>) -> Void) {
            for _ in 0..<count {
                while block < update.text.blocks.count, line == update.text.blocks[block].count { (block, line) = (block + 1, 0) }
                guard block < update.text.blocks.count else { return }
                let current = update.text.blocks[block]
                body(current.bytes[current.line(line)])
                line += 1
            }
        }
        for edit in edits {
            switch edit {
            case .keep(let count):
                advance(count) { _ in if let item = old.next() { composition.take(item) } }
            case .drop(let count):
                for _ in 0..<count { _ = old.next() }
            case .add(let count):
                advance(count) { composition.read($0) }
            }
        }
        self.init(composition)
    }

    private init(_ composition: consuming Composition) {
        composition.closeListener()
        self.config = composition.config
        self.errors = composition.errors
        self.isExact = composition.isExact
    }
}

/// Items put together, one after the other.
private struct Composition {
    private(set) var config = ProxyConfig()
    private(set) var errors: [ItemError] = []
    private(set) var isExact = true

    /// The listener that routes belong to now.
    private enum Open { case none, sni, otherKind, unreadable }
    private var open = Open.none
    private var routes: [Route] = []
    private var rank = 0
    private var count = 0
    private var hasLimits = false
    private let decoder = JSONDecoder()

    mutating func read(_ line: ArraySlice<UInt8>) {
        do {
            self.take(try self.decoder.decode(ConfigItem.self, from: Data(line)))
        } catch {
            self.count += 1
            self.isExact = false
            let kind = ConfigItem.Kind(rawValue: String(decoding: ConfigBlock.key(of: line), as: UTF8.self))
            if kind == .listener {
                self.closeListener()
                self.open = .unreadable
            }
            self.errors.append(ItemError(item: Self.name(line, kind, self.count), message: Self.sentence(error)))
        }
    }

    mutating func take(_ item: ConfigItem) {
        self.count += 1
        let rank =
            switch item {
            case .listener, .route: 0
            case .cluster: 1
            case .trust: 2
            case .identity: 3
            case .limits: 4
            }
        if rank < self.rank { self.isExact = false }
        self.rank = rank
        switch item {
        case .listener(let listener):
            self.closeListener()
            self.config.listeners.append(listener)
            self.open = .otherKind
            if case .sni(let routes) = listener.kind {
                self.open = .sni
                self.routes = routes
                if !routes.isEmpty { self.isExact = false }
            }
        case .route(let route):
            switch self.open {
            case .sni: self.routes.append(route)
            // Named already, with everything that belongs to it.
            case .unreadable: self.isExact = false
            case .none, .otherKind:
                self.isExact = false
                self.errors.append(ItemError(item: "route \(route.origin)", message: "does not belong to a listener for server names"))
            }
        case .cluster(let cluster): self.config.clusters.append(cluster)
        case .trust(let trust): self.config.trust.append(trust)
        case .identity(let identity): self.config.identities.append(identity)
        case .limits(let limits):
            if self.hasLimits || (limits.maxConnections == nil && limits.removedRoutes == nil) { self.isExact = false }
            self.hasLimits = true
            self.config.maxConnections = limits.maxConnections
            self.config.removedRoutes = limits.removedRoutes
        }
    }

    mutating func closeListener() {
        if self.open == .sni { self.config.listeners[self.config.listeners.count - 1].kind = .sni(routes: self.routes) }
        self.routes = []
        self.open = .none
    }

    // MARK: What cannot be read

    private static func name(_ line: ArraySlice<UInt8>, _ kind: ConfigItem.Kind?, _ number: Int) -> String {
        guard let kind else { return "item \(number)" }
        let field =
            switch kind {
            case .listener, .cluster: "name"
            case .route: "origin"
            case .trust, .identity: "mesh"
            case .limits: ""
            }
        if kind == .limits { return "limits" }
        let name = (try? JSON(parsing: Data(line)))?.at(kind.rawValue, field)?.string
        return "\(kind.rawValue) \(name ?? "\(number)")"
    }

    private static func sentence(_ error: any Error) -> String {
        func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
            (context.codingPath + (last.map { [$0] } ?? [])).dropFirst().map(\.stringValue).joined(separator: ".")
        }
        func unknown(_ context: DecodingError.Context) -> String {
            let path = path(context)
            return path.isEmpty ? "has a form this proxy does not know" : "\(path) has a form this proxy does not know"
        }
        return switch error {
        case DecodingError.keyNotFound(let key, let context): "\(path(context, key)) is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            unknown(context)
        default: "has a form this proxy does not know"
        }
    }
}

/// The items of a configuration in their order.
private struct ConfigItems {
    private let config: ProxyConfig
    private var listener = 0
    /// Of the listener before `listener`.
    private var routes: ArraySlice<Route> = []
    private var rest = 0

    init(_ config: ProxyConfig) { self.config = config }

    mutating func next() -> ConfigItem? {
        if let route = self.routes.popFirst() { return .route(route) }
        if self.listener < self.config.listeners.count {
            var listener = self.config.listeners[self.listener]
            self.listener += 1
            if case .sni(let routes) = listener.kind {
                self.routes = routes[...]
                listener.kind = .sni(routes: [])
            }
            return .listener(listener)
        }
        var index = self.rest
        self.rest += 1
        if index < self.config.clusters.count { return .cluster(self.config.clusters[index]) }
        index -= self.config.clusters.count
        if index < self.config.trust.count { return .trust(self.config.trust[index]) }
        index -= self.config.trust.count
        if index < self.config.identities.count { return .identity(self.config.identities[index]) }
        index -= self.config.identities.count
        return index == 0 ? ConfigLimits(of: self.config).map { .limits($0) } : nil
    }
}
