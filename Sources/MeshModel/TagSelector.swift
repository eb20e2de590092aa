/// Which tag sets a policy of the older kinds is about: `{kuma.io/service: web, version: "*"}`.
package struct TagSelector: Hashable, Sendable {
    /// The value that stands for any.
    package static let any = "*"

    package let tags: [String: String]

    package init(_ tags: [String: String]) { self.tags = tags }

    /// Every tag has to be there, with that value unless it is `*`.
    package func matches(_ tags: [String: String]) -> Bool {
        self.tags.allSatisfy { key, value in value == Self.any ? tags[key] != nil : tags[key] == value }
    }

    /// How much a selector says: exact values first, then tags that have to be there.
    package struct Rank: Hashable, Comparable, Sendable {
        package var exact: Int
        package var wildcard: Int

        package init(exact: Int = 0, wildcard: Int = 0) {
            self.exact = exact
            self.wildcard = wildcard
        }

        package static func + (left: Self, right: Self) -> Self {
            Rank(exact: left.exact + right.exact, wildcard: left.wildcard + right.wildcard)
        }

        package static func < (left: Self, right: Self) -> Bool { (left.exact, left.wildcard) < (right.exact, right.wildcard) }
    }

    package var rank: Rank {
        let wildcard = self.tags.values.count { $0 == Self.any }
        return Rank(exact: self.tags.count - wildcard, wildcard: wildcard)
    }
}

extension Fields {
    /// What a selector has to have besides well-formed tags.
    package enum SelectorDemand { case anyTag, service, onlyService }

    /// `[{match: {tag: value}}]`, at least one.
    package func selectors(_ key: String, _ demand: SelectorDemand) -> [TagSelector] {
        let items = self.objects(key)
        if items.isEmpty { self.violate(key, "must have at least one element") }
        return items.map { $0.selector("match", demand) }
    }

    package func selector(_ key: String, _ demand: SelectorDemand) -> TagSelector {
        let tags = self.stringMap(key) ?? [:]
        let service = Tag.service
        if demand == .onlyService, Set(tags.keys) != [service] { self.violate(key, "must consist of exactly one tag \"\(service)\"") }
        if demand != .onlyService, tags.isEmpty { self.violate(key, "must have at least one tag") }
        for (name, value) in tags.sorted(by: { $0.key < $1.key }) {
            let place = "\(key)[\"\(name)\"]"
            if name.isEmpty { self.violate(key, "tag name must be non-empty") }
            if !name.utf8.allSatisfy(Characters.selector) {
                self.violate(place, "tag name must consist of alphanumeric characters, dots, dashes, slashes and underscores")
            }
            if demand == .onlyService, name != service { self.violate(place, "tag \"\(name)\" is not allowed") }
            if value.isEmpty { self.violate(place, "tag value must be non-empty") }
            if value != TagSelector.any, !value.utf8.allSatisfy(Characters.selector) {
                self.violate(
                    place, "tag value must consist of alphanumeric characters, dots, dashes, slashes and underscores or be \"*\"")
            }
        }
        if demand != .anyTag, tags[service] == nil { self.violate(key, "mandatory tag \"\(service)\" is missing") }
        return TagSelector(tags)
    }
}
