import ArgumentParser
import Logging
import ProgramOptions
import Telemetry
import Testing

@Suite("Log options")
struct LogOptionsTests {
    @Test("Level and format are read whatever their case")
    func read() throws {
        let options = try LogOptions.parse(["--log-level", "DEBUG", "--log-format=Json"])
        #expect(try options.level() == .debug)
        #expect(try options.format() == .json)
    }

    @Test("A word that is no level or format is refused with those that are")
    func refused() throws {
        let level = #expect(throws: (any Error).self) { try LogOptions.parse(["--log-level=loud"]) }
        #expect(LogOptions.message(for: try #require(level)).contains("\"loud\" is not one of trace, debug, info"))
        let format = #expect(throws: (any Error).self) { try LogOptions.parse(["--log-format=xml"]) }
        #expect(LogOptions.message(for: try #require(format)).contains("\"xml\" is not one of text, json"))
    }

    @Test("A flag wins over the environment, and an empty variable counts as none")
    func precedence() {
        let options = LogOptions()
        #expect(options.value("flag", "PATH") == "flag")
        #expect(options.value(nil, "EGRET_IS_NEVER_SET", "PATH") == options.environment["PATH"])
        #expect(options.value(nil, "EGRET_IS_NEVER_SET") == nil)
    }
}
