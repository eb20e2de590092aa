/// Where a resource was made, as its labels say. Labels and values are Kuma's.
package enum Origin: String, Hashable, Sendable {
    case zone, global

    package static let label = "kuma.io/origin"
    /// The name that people gave a resource which is kept under a longer one.
    package static let displayName = "kuma.io/display-name"
    /// Of a resource that came from a zone: which.
    package static let zoneLabel = "kuma.io/zone"

    /// On one that took the place of something made in the zone, for as long as that is kept aside.
    package static let setAsideLabel = "egret.io/set-aside"

    /// Without a word about it, a resource is of where it is.
    package static func isGlobal(_ labels: [String: String]) -> Bool { labels[Self.label] == Self.global.rawValue }
}
