import ArgumentParser

struct Install: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the manifests that install a part of Egret.", subcommands: [InstallControlPlane.self])
}

struct InstallControlPlane: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "control-plane",
        abstract: "Print the manifests of the control plane and the kuma.io definitions.",
        discussion: """
            The objects are those of the Helm chart for the same values, with their namespace first.

            Examples:
              egretctl install control-plane --egress-enabled | kubectl apply -f -
              egretctl install control-plane --zone east --namespace egret-system > egret.yaml
            """)

    @Flag(help: "Run an egress in this zone.")
    var egressEnabled = false

    @Flag(help: "Run an ingress in this zone, by which other zones reach it.")
    var ingressEnabled = false

    @Option(help: ArgumentHelp("Where everything is installed.", valueName: "name"))
    var namespace = ControlPlaneManifests.Choices().namespace

    @Option(help: ArgumentHelp("Name of the zone this cluster is.", valueName: "name"))
    var zone = ControlPlaneManifests.Choices().zone

    @Option(help: ArgumentHelp("How long a stopping egress waits for its connections to end.", valueName: "duration"))
    var egressDrainTime = ControlPlaneManifests.Choices().egressDrainTime

    @Option(help: ArgumentHelp("How long a stopping ingress waits for its connections to end.", valueName: "duration"))
    var ingressDrainTime = ControlPlaneManifests.Choices().ingressDrainTime

    var choices: ControlPlaneManifests.Choices {
        .init(
            namespace: self.namespace, zone: self.zone, egressEnabled: self.egressEnabled, egressDrainTime: self.egressDrainTime,
            ingressEnabled: self.ingressEnabled, ingressDrainTime: self.ingressDrainTime)
    }

    func validate() throws {
        if let complaint = self.choices.complaint { throw ValidationError(complaint) }
    }

    func run() { print(ControlPlaneManifests.text(self.choices), terminator: "") }
}
