import JSONModel
import KubeAPI
import Testing

@Suite("Watch lines")
struct WatchLineDecoderTests {
    private let text = """
        {"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"ä-🌍","resourceVersion":"1"}}}
        {"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"2","annotations":{"k8s.io/initial-events-end":"true"}}}}\r

        {"type":"DELETED","object":{"kind":"Pod","metadata":{"name":"b","resourceVersion":"3"}}}
        {"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}

        """

    private var expected: [WatchEvent] {
        [
            .added(KubeObject(["kind": "Pod", "metadata": ["name": "ä-🌍", "resourceVersion": "1"]])),
            .bookmark(resourceVersion: "2", atInitialEnd: true),
            .deleted(KubeObject(["kind": "Pod", "metadata": ["name": "b", "resourceVersion": "3"]])),
            .error(KubeStatus(code: 410, reason: "Expired", message: "too old")),
        ]
    }

    private func events(_ bytes: some Collection<UInt8>, _ decoder: inout WatchLineDecoder) throws -> [WatchEvent] {
        decoder.append(bytes)
        var events: [WatchEvent] = []
        while let event = try decoder.next() { events.append(event) }
        return events
    }

    @Test("Any cut into two pieces gives the same events")
    func everyCut() throws {
        let bytes = Array(self.text.utf8)
        for cut in 0...bytes.count {
            var decoder = WatchLineDecoder()
            let events = try events(bytes[..<cut], &decoder) + events(bytes[cut...], &decoder)
            #expect(events == self.expected, "cut at \(cut)")
            #expect(!decoder.hasPartialLine)
        }
    }

    @Test("Byte by byte gives the same events")
    func byteByByte() throws {
        var decoder = WatchLineDecoder()
        var events: [WatchEvent] = []
        for byte in self.text.utf8 { events += try self.events(CollectionOfOne(byte), &decoder) }
        #expect(events == self.expected)
    }

    @Test("A stream that ends within a line is known to be cut")
    func partial() throws {
        var decoder = WatchLineDecoder()
        let events = try self.events(Array(self.text.utf8.dropLast(3)), &decoder)
        #expect(events.count == 3)
        #expect(decoder.hasPartialLine)
    }

    @Test(
        "Garbage is reported, never skipped and never a crash",
        arguments: [
            "<html>502 Bad Gateway</html>\n", "{\"type\":\"ADDED\"}\n", "{\"type\":\"EXPLODED\",\"object\":{}}\n", "[]\n", "null\n",
            "{\"type\":\"BOOKMARK\",\"object\":{}}\n", "{\"type\":\"ADDED\",\"object\":3}\n", "\u{0}\u{1}\u{2}x\n", "{\"type\":\n",
        ])
    func garbage(text: String) {
        var decoder = WatchLineDecoder()
        #expect(throws: GarbageInWatch.self) { try self.events(Array(text.utf8), &decoder) }
    }

    @Test("A line without end is refused at the limit")
    func tooLong() {
        var decoder = WatchLineDecoder(maxLineBytes: 100)
        #expect(throws: GarbageInWatch.self) { try self.events(Array(repeating: UInt8(ascii: "x"), count: 101), &decoder) }
    }
}
