import JSONModel
import KubeAPI
import TestKit
import Testing

@Suite("Watch machine")
struct WatchMachineTests {
    private var generator = SeededGenerator(seed: 7)

    private func pod(_ name: String, version: String) -> KubeObject {
        var pod = KubeObject(.pods, name: name, namespace: "n")
        pod.metadata.resourceVersion = version
        return pod
    }

    private func watching(at version: String = "5") -> WatchMachine {
        var machine = WatchMachine()
        _ = machine.received(page: [], continue: nil, resourceVersion: version)
        machine.watchOpened()
        return machine
    }

    @Test("Pages are collected and swapped in at the end, then the watch starts where the list ended")
    func pages() {
        var machine = WatchMachine()
        #expect(machine.step == .list(token: nil))
        #expect(
            machine.received(page: [self.pod("a", version: "1")], continue: "t", resourceVersion: "5")
                == [.beginList, .page([self.pod("a", version: "1")])])
        #expect(machine.step == .list(token: "t"))
        #expect(machine.received(page: [], continue: nil, resourceVersion: "5") == [.page([]), .endList])
        #expect(machine.step == .watch(resourceVersion: "5"))
        machine.watchOpened()
        #expect(machine.state == .watching(resourceVersion: "5"))
    }

    @Test("Events and bookmarks move the position")
    func events() {
        var machine = self.watching()
        #expect(machine.received(.added(self.pod("a", version: "6"))) == [.apply(self.pod("a", version: "6"))])
        #expect(machine.received(.modified(self.pod("a", version: "7"))) == [.apply(self.pod("a", version: "7"))])
        #expect(machine.received(.deleted(self.pod("a", version: "8"))) == [.remove(self.pod("a", version: "8"))])
        #expect(machine.received(.bookmark(resourceVersion: "20", atInitialEnd: false)) == [])
        #expect(machine.step == .watch(resourceVersion: "20"))
    }

    @Test("A watch that ends in good order is reopened at once from its position")
    mutating func closed() {
        var machine = self.watching()
        _ = machine.received(.bookmark(resourceVersion: "9", atInitialEnd: false))
        #expect(machine.closed(afterEvents: true, using: &self.generator) == .zero)
        #expect(machine.state == .listed(resourceVersion: "9"))
        #expect(machine.step == .watch(resourceVersion: "9"))
    }

    @Test("Watches that end again and again without a word wait longer and longer")
    mutating func closedSilently() {
        var machine = self.watching()
        var delays: [Duration] = []
        for _ in 0..<4 {
            delays.append(machine.closed(afterEvents: false, using: &self.generator))
            machine.watchOpened()
        }
        #expect(delays[0] == .zero)
        #expect(delays[1] >= .milliseconds(400) && delays[2] >= .milliseconds(800) && delays[3] >= .milliseconds(1600))
    }

    @Test("A forgotten position starts from nothing, everything else keeps it")
    mutating func failures() {
        let gone = KubeStatus(code: 410, reason: "Expired", message: "too old")
        var machine = self.watching()
        #expect(machine.failed(.status(gone), using: &self.generator) == .zero)
        #expect(machine.state == .empty)
        #expect(machine.step == .list(token: nil))

        for failure in [
            WatchMachine.Failure.connection("silent"), .status(KubeStatus(code: 500, reason: "", message: "")),
            .status(KubeStatus(code: 403, reason: "", message: "")),
        ] {
            var machine = self.watching(at: "12")
            #expect(machine.failed(failure, using: &self.generator) > .zero)
            #expect(machine.step == .watch(resourceVersion: "12"))
        }
    }

    @Test("A token that expired in the middle of a list starts the list over, and the half list is dropped")
    mutating func goneWhileListing() {
        var machine = WatchMachine()
        _ = machine.received(page: [self.pod("a", version: "1")], continue: "t", resourceVersion: "5")
        _ = machine.failed(.status(KubeStatus(code: 410, reason: "Expired", message: "")), using: &self.generator)
        #expect(machine.step == .list(token: nil))
        #expect(machine.received(page: [], continue: nil, resourceVersion: "6") == [.beginList, .page([]), .endList])
    }

    @Test("A failed page is asked for again, not the whole list")
    mutating func failureWhileListing() {
        var machine = WatchMachine()
        _ = machine.received(page: [], continue: "t", resourceVersion: "5")
        _ = machine.failed(.connection("lost"), using: &self.generator)
        #expect(machine.step == .list(token: "t"))
    }

    @Test("410 again and again does not become a busy loop")
    mutating func goneAgain() {
        var machine = WatchMachine()
        let gone = WatchMachine.Failure.status(KubeStatus(code: 410, reason: "Expired", message: ""))
        #expect(machine.failed(gone, using: &self.generator) == .zero)
        #expect(machine.failed(gone, using: &self.generator) > .zero)
    }

    @Test("The server's Retry-After is obeyed, and waits grow up to 30 s")
    mutating func waits() {
        var machine = self.watching()
        let throttled = KubeStatus(code: 429, reason: "", message: "", retryAfterSeconds: 9)
        #expect(machine.failed(.status(throttled), using: &self.generator) >= .seconds(9))
        for _ in 0..<40 { _ = machine.failed(.connection("x"), using: &self.generator) }
        let delay = machine.failed(.connection("x"), using: &self.generator)
        #expect(delay >= .seconds(15) && delay <= .seconds(30))
        _ = machine.received(.bookmark(resourceVersion: "6", atInitialEnd: false))
        #expect(machine.failed(.connection("x"), using: &self.generator) <= .milliseconds(800))
    }
}
