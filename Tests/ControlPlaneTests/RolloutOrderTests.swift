import Planning
import Testing

@testable import ControlPlane

/// Egresses and ingresses serve before workloads are told.
struct RolloutOrderTests {
    /// Expectations change nothing themselves.
    private final class Order {
        private var order = RolloutOrder()
        var wait: Int { self.order.wait }
        var isBehind: Bool { self.order.isBehind }

        func sent(_ tables: [ProxyID: String]) -> Bool { self.order.sent(tables) }
        func serves(_ proxy: ProxyID, _ table: String) -> Bool { self.order.serves(proxy, table) }
        func giveUp(_ wait: Int) -> Bool { self.order.giveUp(wait) }
    }

    private let egress = ProxyID(.egress, "e"), ingress = ProxyID(.ingress, "i")

    @Test("Workloads wait until all that have something new serve it, and not otherwise")
    func order() {
        let order = Order()
        #expect(order.sent([:]) == false)
        #expect(order.sent([self.egress: "1", self.ingress: "1"]))
        #expect(order.serves(self.egress, "1") == false)
        // Something older.
        #expect(order.serves(self.ingress, "0") == false)
        #expect(order.serves(self.ingress, "1"))
        #expect(order.sent([self.egress: "1", self.ingress: "1"]) == false)
        #expect(order.sent([self.egress: "2", self.ingress: "1"]))
        // It goes away, which ends the wait with the next news.
        #expect(order.sent([self.ingress: "1"]) == false)
        // One that comes back counts anew.
        #expect(order.sent([self.egress: "2", self.ingress: "1"]))
    }

    @Test("Who does not answer is given up on, once for each thing new")
    func givingUp() {
        let order = Order()
        #expect(order.sent([self.egress: "1"]))
        let first = order.wait
        // More news while waiting is one wait.
        #expect(order.sent([self.egress: "2"]))
        #expect(order.giveUp(first))
        #expect(order.giveUp(first) == false)
        #expect(order.sent([self.egress: "2"]) == false)
        // What other zones are told waits on.
        #expect(order.isBehind)
        #expect(order.sent([self.egress: "3"]))
        #expect(order.giveUp(first) == false)
        #expect(order.serves(self.egress, "3") && !order.isBehind)
        #expect(order.giveUp(order.wait) == false)
    }
}
