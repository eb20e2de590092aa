import ConfigSync
import FoundationEssentials
import JSONModel
import Routing
import Testing

@Suite struct MessageTests {
    private let config = Tables.small

    private func text(_ config: ProxyConfig) -> ConfigText {
        var encoder = ConfigEncoder()
        return encoder.encode(config).text
    }

    private func lines(_ outgoing: OutgoingConfig) throws -> [[UInt8]] {
        var framer = LineFramer()
        return try framer.received(Array(outgoing.parts.joined()))
    }

    @Test("messages have the form the stream promises")
    func form() throws {
        var config = ProxyConfig(
            listeners: [Listener(name: "egress", address: "127.0.0.9", port: 1, kind: .sni(routes: []))],
            trust: [Trust(mesh: "default", ca: "PEM")])
        let before = self.text(config)
        #expect(
            String(decoding: OutgoingConfig(whole: before).parts.joined(), as: UTF8.self) == """
                {"snapshot":{"hash":"\(before.hash)","items":2}}
                {"listener":{"address":"127.0.0.9","kind":{"sni":{"routes":[]}},"name":"egress","port":1}}
                {"trust":{"ca":"PEM","mesh":"default"}}

                """)
        config.trust[0].ca = "PEN"
        config.maxConnections = 7
        let after = self.text(config)
        #expect(
            String(decoding: OutgoingConfig(ConfigDifference(from: before, to: after)).parts.joined(), as: UTF8.self) == """
                {"difference":{"base":"\(before.hash)","edits":[{"keep":1},{"add":1},{"drop":1},{"add":1}],"hash":"\(after.hash)","items":2}}
                {"trust":{"ca":"PEN","mesh":"default"}}
                {"limits":{"maxConnections":7}}

                """)
        #expect(String(decoding: StreamMessage.pingLine, as: UTF8.self) == "{\"ping\":{}}\n")
        #expect(try Self.received([StreamMessage.pingLine.dropLast()].map(Array.init)) == [.ping])
    }

    @Test("the hash is the SHA-256 of the blocks' SHA-256")
    func hash() {
        #expect(self.text(ProxyConfig()).hash == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        // printf '{"trust":{"ca":"PEM","mesh":"default"}}\n' | openssl sha256 -binary | openssl sha256
        #expect(
            self.text(ProxyConfig(trust: [Trust(mesh: "default", ca: "PEM")])).hash
                == "47b0b397d3d430aaad6621b7dcafd57930fbdff9dde6324beb17c3da4af6e2bf")
    }

    private static func received(_ lines: [[UInt8]], current: ConfigText? = nil) throws -> [StreamMessage] {
        var assembler = ConfigAssembler(current: current)
        return try lines.compactMap { try assembler.received($0) }
    }

    @Test(
        "a line that is no message is an error that says so",
        arguments: [
            "", "x", "{}", "[]", "{\"snapshot\":{}}", "{\"snapshot\":{\"hash\":1,\"items\":1}}",
            "{\"snapshot\":{\"hash\":\"a\",\"items\":-1}}",
            "{\"snapshot\":{\"hash\":\"a\",\"items\":0}}", "{\"difference\":{\"base\":\"a\",\"edits\":[],\"hash\":\"b\",\"items\":0}}",
            "{\"difference\":{\"base\":\"a\",\"edits\":[{\"keep\":0}],\"hash\":\"b\",\"items\":0}}",
        ])
    func nonsense(_ line: String) {
        #expect(throws: InvalidMessage.self) { try Self.received([Array(line.utf8)]) }
    }

    @Test("the request's query is percent-encoded")
    func target() {
        let request = StreamRequest(proxyType: .dataplane, name: "web-1.demo", mesh: "a&b=c", instance: "i", have: "00ff")
        #expect(request.target == "/v1/config?proxyType=dataplane&name=web-1.demo&mesh=a%26b%3Dc&instance=i&have=00ff")
    }

    @Test("a config crosses the stream unchanged")
    func roundTrip() throws {
        let text = self.text(self.config)
        let messages = try Self.received(self.lines(OutgoingConfig(whole: text)))
        #expect(messages == [.config(ConfigUpdate(text: text))])
        let reading = ConfigReading(text)
        #expect(reading.config == self.config)
        #expect(reading.errors.isEmpty)
    }

    @Test("a configuration that was changed, cut or lengthened on the way is refused")
    func damaged() throws {
        let text = self.text(self.config)
        let whole = try self.lines(OutgoingConfig(whole: text))
        var changed = whole
        changed[2][20] ^= 1
        var swapped = whole
        swapped.swapAt(2, 3)
        for lines in [changed, swapped] {
            let error = #expect(throws: InvalidMessage.self) { try Self.received(lines) }
            #expect(error?.description.hasPrefix("the control plane sent a configuration whose hash is ") == true)
        }
        #expect(try Self.received(whole.dropLast()).isEmpty)
        #expect(throws: InvalidMessage.self) { try Self.received(whole + [whole[1]]) }
        var small = ConfigAssembler(maxBytes: text.byteCount - 1)
        #expect(throws: InvalidMessage.self) { for line in whole { _ = try small.received(line) } }
    }

    @Test("an item this proxy cannot read costs only itself and is named")
    func tolerant() throws {
        let text = self.text(self.config)
        var builder = ConfigTextBuilder()
        for block in text.blocks {
            for index in 0..<block.count {
                var line = String(decoding: block.bytes[block.line(index)], as: UTF8.self)
                if line.contains("ExternalService/httpbin") { line.replace("terminate", with: "teleport") }
                if line.hasPrefix("{\"trust\"") { line = "{\"trust\":{\"mesh\":\"default\",\"ca\":7}}" }
                builder.append(Array(line.utf8)[...])
            }
        }
        for line in [
            "{\"listener\":{\"name\":\"odd\",\"address\":\"127.0.0.1\",\"port\":70000,\"kind\":{\"sni\":{\"routes\":[]}}}}",
            "{\"route\":{\"sni\":[\"c\"],\"action\":{\"passthrough\":{\"cluster\":\"c\"}},\"origin\":\"of odd\"}}",
            "{\"cluster\":{\"name\":\"default:x\",\"endpoints\":\"none\"}}", "{\"portal\":{\"to\":\"elsewhere\"}}",
            "{\"route\":{\"sni\":[\"c\"],\"action\":{\"passthrough\":{\"cluster\":\"c\"}},\"origin\":\"of nobody\"}}",
        ] { builder.append(Array(line.utf8)[...]) }
        let reading = ConfigReading(builder.finish())
        var expected = self.config
        expected.trust = []
        guard case .sni(let all) = expected.listeners[0].kind else { return }
        expected.listeners[0].kind = .sni(routes: [all[1]])
        #expect(reading.config == expected)
        #expect(
            reading.errors.map(\.item) == [
                "route ExternalService/httpbin", "trust default", "listener odd", "cluster default:x", "item 10",
            ])
        #expect(reading.errors.allSatisfy { !$0.message.isEmpty })
    }
}
