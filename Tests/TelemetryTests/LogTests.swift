import Logging
import Synchronization
import Telemetry
import Testing

@Suite struct LogTests {
    private func line(_ message: String, _ metadata: Logger.Metadata = [:], level: Logger.Level = .info, format: LogFormat = .text)
        -> String
    {
        LogLine(secondsSince1970: 1_795_420_800, level: level, message: message, metadata: metadata).text(format)
    }

    @Test("a text line has time, level, sentence and sorted facts")
    func text() {
        #expect(
            self.line("Certificate renewed.", ["mesh.name": "default", "conn.id": "17", "reason": "two words"])
                == "2026-11-23T08:00:00Z INFO  Certificate renewed. conn.id=17 mesh.name=default reason=\"two words\"\n")
        #expect(self.line("Gone.", level: .warning) == "2026-11-23T08:00:00Z WARN  Gone.\n")
    }

    @Test("a line stays one line and sends nothing to a terminal, whatever is logged")
    func oneLine() {
        let nasty = "a\nb\r\u{1b}[31mred\u{2028}x\u{85}"
        for format in LogFormat.allCases {
            let line = self.line(nasty, ["k": "\(nasty)"], format: format)
            #expect(line.hasSuffix("\n"))
            #expect(
                !line.dropLast().unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x2028 || $0.value == 0x85 || $0.value == 0x1b })
        }
        #expect(self.line("x", ["k": "a\nb"]) == "2026-11-23T08:00:00Z INFO  x k=\"a\\nb\"\n")
    }

    @Test("a JSON line carries metadata as members and keeps its own names")
    func json() {
        #expect(
            self.line("Say \"hi\".", ["time": "x", "list": ["a", "b"], "map": ["z": "1"]], format: .json)
                == #"{"time":"2026-11-23T08:00:00Z","level":"info","message":"Say \"hi\".","list":["a","b"],"map":{"z":"1"},"metadata.time":"x"}"#
                + "\n")
    }

    @Test("a logger's own metadata and that of the call are merged, the call's winning")
    func handler() {
        let lines = Lines()
        var logger = lines.logger
        logger[metadataKey: "a"] = "1"
        logger[metadataKey: "b"] = "1"
        logger.info("Hello.", metadata: ["b": "2"])
        logger.debug("Not shown.")
        #expect(lines.all.withLock { $0.count } == 1)
        #expect(lines.all.withLock { $0[0].hasSuffix(" INFO  Hello. a=1 b=2\n") })
    }

    @Test("a server's log has its failures, and not what it says of starting and stopping")
    func server() {
        let lines = Lines()
        let logger = lines.logger.ofServer
        logger.info("Server started and listening on 0.0.0.0:5678")
        logger.error("Waiting on child channel: CancellationError()")
        logger.error("Server shutdown error: Already closed")
        #expect(lines.all.withLock { $0.isEmpty })
        logger.error("Server channel error", metadata: ["error": "accept: Too many open files"])
        #expect(lines.all.withLock { $0.count } == 1)
    }

    private final class Lines: Sendable {
        let all = Mutex<[String]>([])

        var logger: Logger {
            Logger(label: "x") { _ in
                LineLogHandler(level: LogLevel(.info), format: .text) { line in self.all.withLock { $0.append(line) } }
            }
        }
    }
}
