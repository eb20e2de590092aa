import Routing
import Telemetry
import Testing

@testable import Relay

@Suite("Values of the engine")
struct ValueTests {
    @Test("addresses are read and written")
    func endpoints() {
        #expect(IPEndpoint(address: "127.0.0.1", port: 80)?.description == "127.0.0.1:80")
        #expect(IPEndpoint(address: "2001:db8::1", port: 443)?.description == "[2001:db8::1]:443")
        #expect(IPEndpoint(address: "localhost", port: 1) == nil)
        #expect(IPEndpoint(address: "127.1", port: 1) == nil)
        #expect(IPEndpoint(address: "::", port: 1)?.isUnspecified == true)
        #expect(IPEndpoint(address: "0.0.0.0", port: 1)?.isUnspecified == true)
    }

    @Test("usable cores are the least of affinity and every quota above")
    func cores() {
        #expect(UsableCores.count(affinity: 8, quotas: []) == 8)
        #expect(UsableCores.count(affinity: 8, quotas: ["max 100000\n"]) == 8)
        #expect(UsableCores.count(affinity: 8, quotas: ["250000 100000\n", "max 100000"]) == 3)
        #expect(UsableCores.count(affinity: 8, quotas: ["50000 100000"]) == 1)
        #expect(UsableCores.count(affinity: 2, quotas: ["800000 100000"]) == 2)
        #expect(UsableCores.count(affinity: 8, quotas: ["", "nonsense", "1 0", "a b"]) == 8)
        #expect(UsableCores.count >= 1)
    }

    @Test("deadlines fire in time and once, against a simple model")
    func timers() {
        var generator = SystemRandomNumberGenerator()
        let second: Int64 = 1_000_000_000
        var now: Int64 = 5_000 * second
        var wheel = TimerWheel(now: now)
        var model: [Int: Int64] = [:]
        for _ in 0..<20_000 {
            let index = Int.random(in: 0..<600, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0:
                wheel.cancel(index)
                model[index] = nil
            case 1:
                // Short, long, and beyond the wheel.
                let delay = Int64.random(
                    in: 0...([second, 60 * second, 4000 * second].randomElement(using: &generator)!), using: &generator)
                wheel.set(index, deadline: now + delay)
                model[index] = now + delay
            default:
                now += Int64.random(in: 0...second / 2, using: &generator)
                let timeout = wheel.timeout(now: now)
                #expect(model.isEmpty == (timeout < 0))
                while let fired = wheel.popExpired(now: now) {
                    let deadline = model.removeValue(forKey: fired)
                    #expect(deadline != nil && deadline! <= now)
                }
                // A tick late at most.
                #expect(model.values.allSatisfy { $0 > now - (1 << 26) - 1 })
            }
        }
    }

    @Test("counters of workers add up, and become metrics")
    func counters() throws {
        let one = WorkerCounters()
        let two = WorkerCounters()
        one.add(.active)
        one.add(.active)
        one.subtract(.active)
        two.refused(.noRoute)
        one.refused(.noRoute)
        two.observe(.helloBytes, 517)
        one.observe(.connectSeconds, 9_999_999)
        var sum = RelayCounters()
        one.merge(into: &sum)
        two.merge(into: &sum)
        #expect(sum.active == 1)
        #expect(sum.refused[.noRoute] == 2)
        #expect(sum.helloBytes.sum == 517)
        var text = ""
        for family in sum.metricFamilies { family.render(into: &text) }
        #expect(text.contains(#"egret_connections_total{verdict="refused",reason="no_route"} 2"#))
        #expect(text.contains(#"egret_client_hello_bytes_bucket{le="1024"} 1"#))
        #expect(text.contains(#"egret_connect_seconds_bucket{le="5"} 0"#))
        #expect(text.contains(#"egret_connect_seconds_bucket{le="+Inf"} 1"#))
    }

    @Test("slots are reused, and late news of the former holder finds nobody")
    func slab() {
        var slab = ConnectionSlab()
        let slot = slab.take()
        slot.pointee.state = .relaying
        let index = Int(slot.pointee.index)
        let generation = slot.pointee.generation
        #expect(slab.slot(index, generation: generation) == slot)
        slab.free(slot)
        #expect(slab.slot(index, generation: generation) == nil)
        let next = slab.take()
        next.pointee.state = .connecting
        #expect(next == slot)
        #expect(slab.slot(index, generation: generation) == nil)
        #expect(slab.slot(100_000, generation: 1) == nil)
    }

    @Test("an idle connection costs little memory")
    func size() { #expect(MemoryLayout<Connection>.stride <= 256) }
}
