/// The places one connection has failed at: the last few, `capacity` of them.
package struct Tried: Hashable, Sendable {
    package static var capacity: Int { 4 }
    private var places: (UInt32, UInt32, UInt32, UInt32) = (.max, .max, .max, .max)

    package init() {}

    package mutating func insert(_ place: Int) {
        self.places = (UInt32(place), self.places.0, self.places.1, self.places.2)
    }

    package func contains(_ place: Int) -> Bool {
        let place = UInt32(place)
        return place == self.places.0 || place == self.places.1 || place == self.places.2 || place == self.places.3
    }

    package static func == (one: Self, other: Self) -> Bool { one.places == other.places }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.places.0)
        hasher.combine(self.places.1)
        hasher.combine(self.places.2)
        hasher.combine(self.places.3)
    }
}
