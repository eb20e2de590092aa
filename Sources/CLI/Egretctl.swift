package import ArgumentParser
import JSONModel

/// `egretctl`: what a person or a script does to an Egret installation from a shell.
///
/// Data goes to stdout, messages to stderr; every failure is one sentence and a non-zero exit.
package struct Egretctl: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "egretctl",
        abstract: "Install and look after Egret, the controlled way out of a zone.",
        discussion: """
            Examples:
              egretctl install control-plane --egress-enabled | kubectl apply -f -
              egretctl config control-planes add --name zone-1 --address https://cp.zone-1:5682 --token-file admin.token
              egretctl apply -f mesh.yaml
              egretctl generate zone-token --valid-for 720h --scope egress > egress.token
              egretctl inspect zoneegresses
              egretctl --generate-completion-script bash > /etc/bash_completion.d/egretctl
            """,
        version: "egretctl \(EgretVersion.current)",
        subcommands: [
            Install.self, Config.self, Apply.self, Get.self, Delete.self, Inspect.self, Generate.self, Rotate.self, Version.self,
        ])

    package init() {}
}

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version of this program.")

    func run() { print("egretctl \(EgretVersion.current)") }
}
