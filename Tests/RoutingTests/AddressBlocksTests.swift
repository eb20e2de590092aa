import Testing

@testable import Routing

@Suite("Address blocks")
struct AddressBlocksTests {
    private func permits(_ address: String, deny: [String], allow: [String] = []) -> Bool {
        AddressBlocks(AddressRules(deny: deny, allow: allow)).permits(IPEndpoint(address: address, port: 0)!)
    }

    @Test(
        "a block has its first and last address and nothing beside them",
        arguments: [
            ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0", "::a00:0"]),
            ("10.1.2.3/8", ["10.0.0.0"], ["11.0.0.0"]),
            ("192.0.2.7", ["192.0.2.7"], ["192.0.2.6", "192.0.2.8"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], ["::1"]),
            ("169.254.0.0/16", ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254"], ["169.253.255.255"]),
            ("fc00::/7", ["fc00::", "fdff:ffff::1"], ["fbff::1", "fe00::"]),
            ("2001:db8::/32", ["2001:db8:ffff::"], ["2001:db9::"]),
            ("2001:db8::1:0/112", ["2001:db8::1:ffff"], ["2001:db8::2:0", "2001:db8::"]),
            ("::1", ["::1"], ["::", "::2", "0.0.0.1"]),
            ("::/0", ["::1", "2001:db8::"], ["10.0.0.1"]),
            ("::ffff:10.0.0.0/104", ["10.9.9.9", "::ffff:10.0.0.1"], ["11.0.0.1"]),
        ])
    func blocks(block: String, inside: [String], outside: [String]) {
        for address in inside { #expect(!self.permits(address, deny: [block]), "\(address) is in \(block)") }
        for address in outside { #expect(self.permits(address, deny: [block]), "\(address) is not in \(block)") }
    }

    @Test("allowed blocks are exceptions")
    func exceptions() {
        #expect(self.permits("127.0.0.1", deny: ["127.0.0.0/8"], allow: ["127.0.0.1"]))
        #expect(!self.permits("127.0.0.2", deny: ["127.0.0.0/8"], allow: ["127.0.0.1"]))
        #expect(self.permits("192.0.2.1", deny: [], allow: ["127.0.0.1"]))
    }

    @Test("every prefix length agrees with counting bits")
    func lengths() {
        var generator = FastGenerator()
        for length in 0...32 {
            let (one, other) = (UInt32.random(in: 0...(.max), using: &generator), UInt32.random(in: 0...(.max), using: &generator))
            for candidate in [other, one, one ^ (1 << UInt32.random(in: 0...31, using: &generator))] {
                let text = IPEndpoint(ipv4: one.bigEndian).address + "/\(length)"
                let same = length == 0 || (one ^ candidate) >> UInt32(32 - length) == 0
                #expect(AddressBlock(text)!.contains(IPEndpoint(ipv4: candidate.bigEndian)) == same)
            }
        }
    }

    @Test(
        "what is no block is named, and what it was to deny is not guessed",
        arguments: ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/ 8", "example.com", "::ffff:0:0/90"])
    func unreadable(text: String) {
        let blocks = AddressBlocks(AddressRules(deny: [text], allow: ["192.0.2.1"]))
        #expect(blocks.unreadable == [text])
        #expect(!blocks.permits(IPEndpoint(address: "198.51.100.1", port: 0)!))
        #expect(blocks.permits(IPEndpoint(address: "192.0.2.1", port: 0)!))
    }
}
