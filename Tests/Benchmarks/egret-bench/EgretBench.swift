import ArgumentParser

/// The load generator of `hack/bench`. It opens connections through a proxy and is the backend behind it too.
@main
struct EgretBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "egret-bench", abstract: "Load for hack/bench.", subcommands: [LoadCommand.self, StartCommand.self])
}
