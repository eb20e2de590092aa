import ConfigSync
import FoundationEssentials
import Routing
import TestKit
import Testing

@Suite struct DifferenceTests {
    private func text(_ config: ProxyConfig) -> ConfigText {
        var encoder = ConfigEncoder()
        return encoder.encode(config).text
    }

    @Test("the difference of any two tables leads from one to the other, as text and as read")
    func law() throws {
        var generator = SeededGenerator(seed: 4)
        var encoder = ConfigEncoder()
        var cache = DifferenceCache()
        var before = Tables.random(&generator)
        var encoded = encoder.encode(before)
        var reading = ConfigReading(encoded.text)
        for _ in 0..<400 {
            let after = Tables.random(&generator)
            let next = encoder.encode(after, after: encoded)
            // What was taken from the text before is what would have been made anew.
            #expect(next.text == self.text(after))
            let difference = ConfigDifference(from: encoded.text, to: next.text, cache: &cache)
            #expect(difference == ConfigDifference(from: encoded.text, to: next.text))
            let applied = try difference.applied(to: encoded.text)
            #expect(applied == next.text)
            #expect(applied.blocks.map(\.bytes) == next.text.blocks.map(\.bytes))
            let update = ConfigReading(ConfigUpdate(text: applied, edits: difference.edits), after: reading)
            #expect(update == ConfigReading(applied))
            #expect(update.config == after)
            (before, encoded, reading) = (after, next, update)
        }
    }

    @Test("a text has one difference from itself: nothing")
    func same() {
        let text = self.text(Tables.small)
        #expect(ConfigDifference(from: text, to: text).edits == [.keep(text.itemCount)])
        #expect(ConfigDifference(from: text, to: text).added.isEmpty)
    }

    @Test("one changed, one moved and one removed endpoint of a thousand cost themselves alone")
    func small() throws {
        var config = ProxyConfig()
        config.clusters = (0..<1000).map { Cluster(name: "c\($0)", endpoints: [Endpoint(address: "192.0.2.1", port: UInt16($0 + 1))]) }
        let before = self.text(config)
        config.clusters[500].endpoints[0].port = 9
        #expect(ConfigDifference(from: before, to: self.text(config)).edits == [.keep(500), .add(1), .drop(1), .keep(499)])
        config.clusters.insert(config.clusters.remove(at: 900), at: 100)
        #expect(
            ConfigDifference(from: before, to: self.text(config)).edits
                == [.keep(100), .add(1), .keep(400), .add(1), .drop(1), .keep(399), .drop(1), .keep(99)])
        config.clusters.removeLast()
        let last = ConfigDifference(from: before, to: self.text(config))
        #expect(last.addedCount == 2)
        #expect(try last.applied(to: before) == self.text(config))
    }

    @Test("what differs in everything goes whole, and what is equal not at all")
    func choice() {
        var cache = DifferenceCache()
        let small = self.text(Tables.small)
        var other = Tables.small
        other.trust[0].ca = "PEN"
        #expect(OutgoingConfig(self.text(other), for: small, cache: &cache).form == .difference)
        #expect(OutgoingConfig(self.text(other), for: .empty, cache: &cache).form == .whole)
        #expect(OutgoingConfig(self.text(other), for: nil, cache: &cache).form == .whole)
        #expect(OutgoingConfig(self.text(ProxyConfig()), for: small, cache: &cache).form == .whole)
    }

    @Test("a difference for another text, or with wrong edits, is refused")
    func refused() throws {
        let before = self.text(Tables.small)
        var config = Tables.small
        config.trust[0].ca = "PEN"
        let after = self.text(config)
        let good = ConfigDifference(from: before, to: after)
        #expect(throws: InvalidMessage.self) { try good.applied(to: after) }
        #expect(throws: InvalidMessage.self) { try good.applied(to: .empty) }
        for edits: [ConfigEdit] in [
            [], [.keep(1 << 32)], [.drop(1 << 32)], [.keep(before.itemCount + 1)], [.keep(before.itemCount)], good.edits + [.add(1)],
            good.edits.dropLast(), [.add(1 << 32)],
        ] {
            var bad = good
            bad.edits = edits
            #expect(throws: InvalidMessage.self) { try bad.applied(to: before) }
        }
        var other = good
        other.hash = before.hash
        #expect(throws: InvalidMessage.self) { try other.applied(to: before) }
        var longer = good
        longer.added.append(Array("{\"trust\":{}}\n".utf8))
        #expect(throws: InvalidMessage.self) { try longer.applied(to: before) }
    }

    @Test("by chance damaged streams are refused or lead to what was meant")
    func garbage() throws {
        var generator = SeededGenerator(seed: 7)
        var encoder = ConfigEncoder()
        for _ in 0..<200 {
            let before = encoder.encode(Tables.random(&generator)).text
            let after = encoder.encode(Tables.random(&generator)).text
            var cache = DifferenceCache()
            var bytes = Array(OutgoingConfig(after, for: before, cache: &cache).parts.joined())
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            var assembler = ConfigAssembler(current: before)
            var framer = LineFramer()
            do {
                for line in try framer.received(bytes) {
                    if case .config(let update)? = try assembler.received(line) {
                        // Only where the damage hit nothing that counts, such as a letter of the header's unknown members.
                        #expect(update.text == after)
                    }
                }
            } catch is InvalidMessage {
                #expect(assembler.current == before || assembler.current == after)
            }
        }
    }
}

@Suite struct EncoderTests {
    @Test("tables of one shape share all but the address they listen on")
    func sharing() {
        var encoder = ConfigEncoder()
        var first = Tables.small
        let one = encoder.encode(first).text
        first.listeners[0].address = "127.0.0.10"
        let two = encoder.encode(first).text
        #expect(one != two)
        #expect(one.blocks.dropFirst() == two.blocks.dropFirst())
    }

    @Test("a list that lost its first and got a new last member is made of the old lines")
    func shifted() {
        var encoder = ConfigEncoder()
        var config = ProxyConfig(clusters: (0..<50).map { Cluster(name: "c\($0)", endpoints: []) })
        let before = encoder.encode(config)
        config.clusters.removeFirst()
        config.clusters.append(Cluster(name: "last", endpoints: []))
        var fresh = ConfigEncoder()
        #expect(encoder.encode(config, after: before).text == fresh.encode(config).text)
    }
}

@Suite struct SavedConfigTests {
    private let owner = SavedConfig.Owner(proxyType: .egress, name: "egress-1", mesh: "")

    private var text: ConfigText {
        var encoder = ConfigEncoder()
        return encoder.encode(Tables.small).text
    }

    @Test("what was saved is read again, and only by the same proxy")
    func roundTrip() throws {
        let bytes = Array(SavedConfig.parts(self.text, owner: self.owner).joined())
        #expect(try SavedConfig.read(bytes, owner: self.owner) == self.text)
        let other = SavedConfig.Owner(proxyType: .egress, name: "egress-2", mesh: "")
        let error = #expect(throws: SavedConfig.Unusable.self) { try SavedConfig.read(bytes, owner: other) }
        #expect(error?.reason == "is of the egress proxy egress-1, this is egress egress-2")
    }

    @Test("a saved file that is cut anywhere or has one wrong byte is refused")
    func damaged() {
        let bytes = Array(SavedConfig.parts(self.text, owner: self.owner).joined())
        // The last line feed may be missing.
        for length in 0..<bytes.count - 1 {
            #expect(throws: SavedConfig.Unusable.self) { try SavedConfig.read(Array(bytes[..<length]), owner: self.owner) }
        }
        let body = (bytes.firstIndex(of: 0x0A) ?? 0) + 1
        for position in stride(from: body, to: bytes.count, by: 7) {
            var wrong = bytes
            wrong[position] ^= 0x10
            #expect(throws: SavedConfig.Unusable.self) { try SavedConfig.read(wrong, owner: self.owner) }
        }
    }

    @Test("clusters with a key of their own can be left out")
    func withoutKeys() throws {
        var config = Tables.small
        let certificate = ClientCertificate(certificate: "C", key: "SECRET")
        config.clusters.append(
            Cluster(name: "default:bank", endpoints: [], tls: .external(ExternalTLS(serverName: "bank", clientCertificate: certificate))))
        var encoder = ConfigEncoder()
        let text = encoder.encode(config).text
        let rest = text.withoutKeys
        #expect(!rest.blocks.contains { String(decoding: $0.bytes, as: UTF8.self).contains("SECRET") })
        #expect(ConfigReading(rest).config == Tables.small)
        #expect(self.text.withoutKeys == self.text)
    }
}
