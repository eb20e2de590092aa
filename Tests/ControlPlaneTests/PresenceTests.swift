import Foundation
import Planning
import Testing

@testable import ControlPlane

@Suite("Presence of proxies")
struct PresenceTests {
    private let proxy = ProxyID(.egress, "zoneegress-1")
    private let start = Date(timeIntervalSince1970: 1_800_000_000)
    private let presence = Presence(patience: .seconds(10), memory: .seconds(60))

    @Test("A proxy is sent traffic from its first confirmed configuration until a while after its last stream ended")
    func life() {
        let first = self.presence.opened(self.proxy, instance: "a", version: "1", now: self.start)
        #expect(self.presence.online(at: self.start) == [])
        #expect(self.presence.present(at: self.start) == [self.proxy])
        self.presence.acknowledged(by: self.proxy, hasErrors: false)
        #expect(self.presence.online(at: self.start) == [self.proxy])

        // It reconnects before the old stream is seen to end.
        let second = self.presence.opened(self.proxy, instance: "a", version: "1", now: self.start + 5)
        self.presence.closed(self.proxy, stream: first, now: self.start + 6)
        #expect(self.presence.online(at: self.start + 100) == [self.proxy])

        self.presence.closed(self.proxy, stream: second, now: self.start + 200)
        #expect(self.presence.nextChange(after: self.start + 200) == self.start + 210)
        #expect(self.presence.online(at: self.start + 209) == [self.proxy])
        #expect(self.presence.online(at: self.start + 210) == [])
        #expect(self.presence.nextChange(after: self.start + 210) == nil)
        // Next time it has to confirm again.
        _ = self.presence.opened(self.proxy, instance: "a", version: "1", now: self.start + 300)
        #expect(self.presence.online(at: self.start + 300) == [])
    }

    @Test("A proxy that says that it stops is nobody's endpoint at once, and is gone with its stream; a new stream takes it back")
    func withdrawal() {
        let stream = self.presence.opened(self.proxy, instance: "a", version: "1", now: self.start)
        self.presence.acknowledged(by: self.proxy, hasErrors: false)
        // Another of its name, that was never let in, says so.
        #expect(!self.presence.withdrawn(self.proxy, instance: "b"))
        #expect(self.presence.online(at: self.start) == [self.proxy])
        #expect(self.presence.withdrawn(self.proxy, instance: "a"))
        #expect(!self.presence.withdrawn(self.proxy, instance: "a"))
        #expect(self.presence.online(at: self.start) == [])
        #expect(self.presence.present(at: self.start) == [self.proxy])
        // Still drawing its last breath: what it confirms now changes nothing.
        self.presence.acknowledged(by: self.proxy, hasErrors: false)
        #expect(self.presence.online(at: self.start) == [])
        self.presence.closed(self.proxy, stream: stream, now: self.start + 5)
        #expect(self.presence.present(at: self.start + 5) == [])
        _ = self.presence.opened(self.proxy, instance: "a", version: "1", now: self.start + 6)
        self.presence.acknowledged(by: self.proxy, hasErrors: false)
        #expect(self.presence.online(at: self.start + 6) == [self.proxy])
    }

    @Test("What was there before the control plane started has a minute to come back")
    func memory() {
        self.presence.remember([self.proxy], now: self.start)
        #expect(self.presence.online(at: self.start + 59) == [self.proxy])
        #expect(self.presence.online(at: self.start + 60) == [])
    }

    @Test("One that has only said that it is coming is nobody's endpoint, and is not cleaned away")
    func announced() {
        self.presence.announced(self.proxy, now: self.start)
        #expect(self.presence.online(at: self.start) == [])
        #expect(self.presence.present(at: self.start + 9) == [self.proxy])
        #expect(self.presence.present(at: self.start + 10) == [])
    }

    @Test("The last two streams are remembered with what went over them")
    func history() {
        for number in 0..<3 {
            let stream = self.presence.opened(self.proxy, instance: "a", version: "0.\(number)", now: self.start + Double(number))
            self.presence.sent(to: self.proxy, now: self.start + Double(number) + 0.5)
            self.presence.acknowledged(by: self.proxy, hasErrors: number == 2)
            self.presence.closed(self.proxy, stream: stream, now: self.start + Double(number) + 0.9)
        }
        let history = self.presence.history(of: self.proxy)
        #expect(history.map(\.version) == ["0.1", "0.2"])
        #expect(history.map(\.rejected) == [0, 1] && history.map(\.acknowledged) == [1, 0] && history.map(\.sent) == [1, 1])
        #expect(history.allSatisfy { $0.closed != nil })
    }
}
