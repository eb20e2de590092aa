import Routing
import Testing

@testable import NameResolution

@Suite("Order of a name's addresses")
struct AddressOrderTests {
    @Test("every address comes once, families take turns with IPv6 first, and each turn begins with another address")
    func order() {
        for (four, six) in [(0, 1), (1, 0), (1, 1), (3, 3), (4, 1), (1, 4), (0, 5), (5, 0), (2, 7)] {
            let ipv4 = (0..<four).map { IPEndpoint(address: "192.0.2.\($0)", port: 0)! }
            let ipv6 = (0..<six).map { IPEndpoint(address: "2001:db8::\($0)", port: 0)! }
            let addresses = ResolvedName.interleave(ipv4: ipv4, ipv6: ipv6)
            let order = AddressOrder(addresses)
            var first: Set<IPEndpoint> = []
            for turn in 0..<UInt64(max(four, six)) {
                let mine = addresses.indices.map { addresses[order.position($0, rotatedBy: turn)] }
                #expect(Set(mine) == Set(addresses))
                for index in mine.indices.prefix(2 * min(four, six)) { #expect(mine[index].isIPv6 == (index % 2 == 0)) }
                first.insert(mine[0])
            }
            #expect(first.count == (six > 0 ? six : four))
        }
    }
}
