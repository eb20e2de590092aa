import ArgumentParser

/// The record of all requests to the API.
struct AuditOptions: ParsableArguments {
    @Option(
        name: .customLong("audit-log-path"),
        help: ArgumentHelp("Adds a line for each request to this file, in the form of a real API server's audit log.", valueName: "file"),
        transform: absolutePath)
    var path: String?
}
