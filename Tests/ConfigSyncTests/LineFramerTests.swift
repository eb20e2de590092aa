import ConfigSync
import Testing

@Suite struct LineFramerTests {
    private let stream = Array("{\"ping\":{}}\n\r\n{\"a\":\"é\"}\r\n\nlast\nopen".utf8)
    private let lines = ["{\"ping\":{}}", "{\"a\":\"é\"}", "last"]

    @Test("lines come out the same wherever the stream is cut")
    func cuts() throws {
        for first in 0...self.stream.count {
            for second in first...self.stream.count {
                var framer = LineFramer()
                var found: [[UInt8]] = []
                for part in [self.stream[..<first], self.stream[first..<second], self.stream[second...]] {
                    found += try framer.received(part)
                }
                #expect(found.map { String(decoding: $0, as: UTF8.self) } == self.lines)
            }
        }
    }

    @Test("a line without an end is refused at the limit")
    func limit() throws {
        var framer = LineFramer(maxLineBytes: 4)
        #expect(try framer.received(Array("abcd\n".utf8)).count == 1)
        #expect(try framer.received(Array("ab".utf8)).isEmpty)
        #expect(throws: LineFramer.LineTooLong(limit: 4)) { try framer.received(Array("cde".utf8)) }
    }
}
