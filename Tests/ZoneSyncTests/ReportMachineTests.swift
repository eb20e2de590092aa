import ConfigSync
import JSONModel
import Testing

@testable import ZoneSync

@Suite("Telling the global control plane")
struct ReportMachineTests {
    private func text(_ names: String...) -> ConfigText {
        SharedText.text(
            names.map { name in
                SharedItem(
                    .init(kind: "ZoneEgress", name: name), spec: ["networking": ["address": "192.168.100.100", "port": 10002]])
            })
    }

    private func posted(_ action: ReportMachine.Action) -> (form: OutgoingConfig.Form, hash: String, base: String?)? {
        guard case .post(let outgoing, let base) = action else { return nil }
        return (outgoing.form, outgoing.hash, base)
    }

    @Test("The first goes whole, the next as a difference, and equal content not at all")
    func differences() {
        var machine = ReportMachine()
        let (one, two) = (self.text("a", "b", "c", "d"), self.text("a", "b", "c", "d", "e"))
        #expect(machine.next(.changed(one)) == .rest)
        let first = self.posted(machine.next(.connected(have: nil)))
        #expect(first?.form == .whole && first?.hash == one.hash && first?.base == nil)
        // What changes meanwhile waits, and only the newest of it.
        #expect(machine.next(.changed(self.text("x"))) == .rest)
        #expect(machine.next(.changed(two)) == .rest)
        let second = self.posted(machine.next(.taken))
        #expect(second?.form == .difference && second?.hash == two.hash && second?.base == one.hash)
        #expect(machine.next(.taken) == .rest)
        #expect(machine.next(.changed(two)) == .rest)
    }

    @Test("After a cut it goes on where the other side is, even if the answer to the last post was lost")
    func resumes() {
        let (one, two) = (self.text("a", "b", "c", "d"), self.text("a", "b", "c", "d", "e"))
        for arrived in [false, true] {
            var machine = ReportMachine()
            _ = machine.next(.changed(one))
            _ = machine.next(.connected(have: nil))
            _ = machine.next(.taken)
            #expect(self.posted(machine.next(.changed(two)))?.form == .difference)
            #expect(machine.next(.disconnected) == .rest)
            // The answer to what was posted before comes too late.
            #expect(machine.next(.failed) == .rest)
            let again = machine.next(.connected(have: arrived ? two.hash : one.hash))
            #expect(arrived ? again == .rest : self.posted(again)?.form == .difference)
        }
    }

    @Test("A global control plane that knows nothing of us gets everything")
    func forgotten() {
        var machine = ReportMachine()
        _ = machine.next(.changed(self.text("a")))
        _ = machine.next(.connected(have: nil))
        _ = machine.next(.taken)
        _ = machine.next(.disconnected)
        #expect(self.posted(machine.next(.connected(have: nil)))?.form == .whole)
        #expect(machine.next(.taken) == .rest)
        #expect(self.posted(machine.next(.changed(self.text("a", "b"))))?.base != nil)
        #expect(self.posted(machine.next(.unknownBase))?.form == .whole)
    }

    @Test("A failed post waits longer each time, and no longer than half a minute")
    func waits() {
        var machine = ReportMachine()
        _ = machine.next(.changed(self.text("a")))
        _ = machine.next(.connected(have: nil))
        var waits: [Duration] = []
        for _ in 0..<8 {
            guard case .wait(let time) = machine.next(.failed) else { break }
            waits.append(time)
            #expect(self.posted(machine.next(.waited)) != nil)
        }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30, 30].map { Duration.seconds($0) })
    }
}
