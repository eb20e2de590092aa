package import Routing

/// Which of a name's addresses, kept with the families in turns, comes first, second and so on, where every connection begins
/// with another one of each family.
package struct AddressOrder: Hashable, Sendable {
    private let ipv6, ipv4: Int

    package init(_ addresses: [IPEndpoint]) {
        self.ipv6 = addresses.count { $0.isIPv6 }
        self.ipv4 = addresses.count - self.ipv6
    }

    /// The position in the list of what comes at `index`, which is below the count. Each comes once.
    package func position(_ index: Int, rotatedBy turn: UInt64) -> Int {
        let pairs = min(self.ipv6, self.ipv4)
        let isIPv6 = index < 2 * pairs ? index % 2 == 0 : self.ipv6 > self.ipv4
        let place = index < 2 * pairs ? index / 2 : index - pairs
        let rotated = Int((UInt64(place) &+ turn) % UInt64(isIPv6 ? self.ipv6 : self.ipv4))
        return rotated < pairs ? 2 * rotated + (isIPv6 ? 0 : 1) : pairs + rotated
    }
}
