import DevNode
import Testing

@Suite struct MachineShareTests {
    @Test("each call takes another share, until there is none")
    func distinct() {
        let name = "egret-test-\(UInt64.random(in: 0...UInt64.max))"
        #expect(MachineShare.take(name, of: 3..<5) == 3)
        #expect(MachineShare.take(name, of: 3..<5) == 4)
        #expect(MachineShare.take(name, of: 3..<5) == nil)
    }
}
