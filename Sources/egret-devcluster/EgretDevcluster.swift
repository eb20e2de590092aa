import ArgumentParser

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
