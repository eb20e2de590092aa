import ArgumentParser
import Logging
import Telemetry

@main
struct EgretDevcluster: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "egret-devcluster",
        abstract: "A Kubernetes API and node on this machine. For development only.",
        discussion: """
            Enough of Kubernetes for kubectl, Helm and Egret's operator, with pods as local processes. Everything lives in memory and \
            ends with the process. RBAC objects are stored and not enforced. Never use it for anything but development.
            """,
        subcommands: [UpCommand.self, APIServerCommand.self, NodeCommand.self])
}

struct LogOptions: ParsableArguments {
    @Option(
        name: .customLong("log-level"), help: "trace, debug, info, notice, warning, error or critical.",
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else { throw ValidationError("\"\(text)\" is not a log level") }
            return level
        })
    var level: Logger.Level = .info

    func logger(_ label: String) -> Logger {
        var logger = Logger(label: label, factory: { _ in LineLogHandler(level: self.level, format: .text) })
        logger.logLevel = self.level
        return logger
    }
}
