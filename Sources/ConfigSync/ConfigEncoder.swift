import FoundationEssentials
package import Routing

/// Turns configurations into text, each item once: what did not change since the text before is taken from there, and what
/// several proxies share is shared.
///
/// One plan's tables share the storage of their lists, which is seen without looking at the items.
package struct ConfigEncoder: Sendable {
    private var listeners = SectionEncoder<Listener>({ .listener($0) }, name: \.name)
    private var routes = SectionEncoder<Route>({ .route($0) }, name: { $0.sni.first ?? "" })
    private var clusters = SectionEncoder<Cluster>({ .cluster($0) }, name: \.name)
    private var trust = SectionEncoder<Trust>({ .trust($0) }, name: \.mesh)
    private var identities = SectionEncoder<IdentityRequest>({ .identity($0) }, name: \.mesh)
    private var limits = SectionEncoder<ConfigLimits>({ .limits($0) }, name: { _ in "" })

    package init() {}

    /// - Parameter previous: what was made of the same proxy's configuration before.
    package mutating func encode(_ config: ProxyConfig, after previous: EncodedConfig? = nil) -> EncodedConfig {
        var encoded = EncodedConfig()
        var heads: [Listener] = []
        for listener in config.listeners {
            var head = listener
            var routes: [Route] = []
            if case .sni(let own) = listener.kind {
                routes = own
                head.kind = .sni(routes: [])
            }
            heads.append(head)
            guard !routes.isEmpty else { continue }
            self.add(&heads, to: &encoded, after: previous)
            let before = previous.flatMap { encoded.routes.count < $0.routes.count ? $0.routes[encoded.routes.count] : nil }
            encoded.routes.append(self.routes.encode(routes, after: before))
            encoded.blocks.append(encoded.routes[encoded.routes.count - 1].block)
        }
        self.add(&heads, to: &encoded, after: previous)
        encoded.clusters = Self.encode(config.clusters, with: &self.clusters, after: previous?.clusters, &encoded.blocks)
        encoded.trust = Self.encode(config.trust, with: &self.trust, after: previous?.trust, &encoded.blocks)
        encoded.identities = Self.encode(config.identities, with: &self.identities, after: previous?.identities, &encoded.blocks)
        encoded.limits = Self.encode(
            ConfigLimits(of: config).map { [$0] } ?? [], with: &self.limits, after: previous?.limits, &encoded.blocks)
        encoded.text = encoded.blocks == previous?.blocks ? previous?.text ?? .empty : ConfigText(blocks: encoded.blocks)
        return encoded
    }

    private mutating func add(_ heads: inout [Listener], to encoded: inout EncodedConfig, after previous: EncodedConfig?) {
        if heads.isEmpty { return }
        let before = previous.flatMap { encoded.listeners.count < $0.listeners.count ? $0.listeners[encoded.listeners.count] : nil }
        encoded.listeners.append(self.listeners.encode(heads, after: before))
        encoded.blocks.append(encoded.listeners[encoded.listeners.count - 1].block)
        heads = []
    }

    private static func encode<Item>(
        _ items: [Item], with encoder: inout SectionEncoder<Item>, after previous: EncodedItems<Item>?, _ blocks: inout [ConfigBlock]
    ) -> EncodedItems<Item>? {
        if items.isEmpty { return nil }
        let section = encoder.encode(items, after: previous)
        blocks.append(section.block)
        return section
    }
}

/// A configuration with the text made of it.
package struct EncodedConfig: Sendable {
    package fileprivate(set) var text = ConfigText.empty
    fileprivate var blocks: [ConfigBlock] = []
    fileprivate var listeners: [EncodedItems<Listener>] = []
    fileprivate var routes: [EncodedItems<Route>] = []
    fileprivate var clusters: EncodedItems<Cluster>?
    fileprivate var trust: EncodedItems<Trust>?
    fileprivate var identities: EncodedItems<IdentityRequest>?
    fileprivate var limits: EncodedItems<ConfigLimits>?

    fileprivate init() {}
}

/// Items with the lines made of them, one each.
private struct EncodedItems<Item: Hashable & Sendable>: Sendable {
    var items: [Item]
    var block: ConfigBlock
}

private struct SectionEncoder<Item: Hashable & Sendable>: Sendable {
    /// How many different lists are remembered: proxies of one shape follow one another, or nearly so.
    private static var memory: Int { 8 }

    private let item: @Sendable (Item) -> ConfigItem
    /// By which an item is found in the list before; need not be unique.
    private let name: @Sendable (Item) -> String
    /// The newest last.
    private var recent: [EncodedItems<Item>] = []

    init(_ item: @escaping @Sendable (Item) -> ConfigItem, name: @escaping @Sendable (Item) -> String) {
        self.item = item
        self.name = name
    }

    mutating func encode(_ items: [Item], after previous: EncodedItems<Item>?) -> EncodedItems<Item> {
        // Equal arrays that share their storage are seen to be equal at once: the newest storage is kept.
        if let known = self.recent.lastIndex(where: { $0.items == items }) {
            self.recent[known].items = items
            return self.recent[known]
        }
        let block = previous?.items == items ? previous?.block : nil
        let made = EncodedItems(items: items, block: block ?? self.block(of: items, after: previous))
        if self.recent.count >= Self.memory { self.recent.removeFirst() }
        self.recent.append(made)
        return made
    }

    private func block(of items: [Item], after previous: EncodedItems<Item>?) -> ConfigBlock {
        let encoder = JSONEncoder.canonical
        var builder = ConfigBlockBuilder()
        builder.reserve(bytes: previous?.block.bytes.count ?? 0, lines: items.count)
        var position = 0
        var places: [String: Int]?
        for item in items {
            if let previous {
                if position < previous.items.count, previous.items[position] == item {
                    builder.append(previous.block, line: position)
                    position += 1
                    continue
                }
                if places == nil {
                    places = Dictionary(
                        previous.items.indices.map { (self.name(previous.items[$0]), $0) }, uniquingKeysWith: { first, _ in first })
                }
                if let place = places?[self.name(item)] {
                    position = place + 1
                    if previous.items[place] == item {
                        builder.append(previous.block, line: place)
                        continue
                    }
                }
            }
            guard let line = try? encoder.encode(self.item(item)) else { preconditionFailure("an item always encodes") }
            builder.append(line)
        }
        return builder.finish()
    }
}
