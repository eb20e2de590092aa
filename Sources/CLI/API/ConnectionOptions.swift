import ArgumentParser

/// Which control plane a command talks to.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "The file with the control planes. (default: $EGRETCTL_CONFIG, else ~/.egretctl/config)")
    var configFile: String?

    func client() throws -> APIClient { APIClient(try CLIConfig.load(CLIConfig.path(self.configFile)).chosen) }
}

enum OutputFormat: String, CaseIterable, ExpressibleByArgument { case table, yaml, json }
