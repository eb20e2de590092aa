import ArgumentParser

struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say which control planes there are and which one is meant.", subcommands: [ControlPlanes.self])
}

struct ControlPlanes: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "control-planes", abstract: "Add, list, choose and remove control planes.",
        subcommands: [AddControlPlane.self, ListControlPlanes.self, SwitchControlPlane.self, RemoveControlPlane.self])
}

struct AddControlPlane: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a control plane and choose it.",
        discussion: "Example:\n  egretctl config control-planes add --name zone-1 --address http://localhost:5681")

    @Option(help: "What to call it.") var name: String
    @Option(help: "URL of its API, such as http://localhost:5681 or https://cp.example.com:5682.") var address: String
    @Option(help: "File with a user token; the control plane's secret admin-user-token holds the administrator's.")
    var tokenFile: String?
    @Option(help: "File with the CA certificate that its certificate is checked with.") var caCertFile: String?
    @Flag(help: "Do not verify it. Whoever is on the way can then take its place.") var skipVerify = false
    @Flag(help: "Replace one of the same name.") var overwrite = false
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard self.address.hasPrefix("http://") || self.address.hasPrefix("https://") else {
            throw ValidationError("--address is \"\(self.address)\"; write a URL such as http://localhost:5681")
        }
    }

    func run() throws {
        let path = CLIConfig.path(self.connection.configFile)
        var config = try CLIConfig.load(path)
        if config.controlPlanes.contains(where: { $0.name == self.name }) {
            guard self.overwrite else {
                throw CLIFailure("there is a control plane \(self.name) already; choose another --name, or replace it with --overwrite")
            }
            config.controlPlanes.removeAll { $0.name == self.name }
        }
        var address = self.address
        while address.hasSuffix("/") { address.removeLast() }
        config.controlPlanes.append(
            ControlPlaneEntry(
                name: self.name, address: address, tokenFile: self.tokenFile, caCertFile: self.caCertFile,
                skipVerify: self.skipVerify ? true : nil))
        config.current = self.name
        try config.save(path)
        print("added control plane \(self.name) and chose it")
    }
}

struct ListControlPlanes: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the control planes; * marks the chosen one.")

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let config = try CLIConfig.load(CLIConfig.path(self.connection.configFile))
        let known = config.controlPlanes.isEmpty ? [CLIConfig.local] : config.controlPlanes
        let rows = known.map { [$0.name == config.chosen.name ? "*" : "", $0.name, $0.address] }
        print(TextTable.text(columns: ["ACTIVE", "NAME", "ADDRESS"], rows: rows))
    }
}

struct SwitchControlPlane: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "switch", abstract: "Choose the control plane that commands talk to.")

    @Option(help: "Its name.") var name: String
    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let path = CLIConfig.path(self.connection.configFile)
        var config = try CLIConfig.load(path)
        guard config.controlPlanes.contains(where: { $0.name == self.name }) else {
            throw CLIFailure("there is no control plane \(self.name); egretctl config control-planes list")
        }
        config.current = self.name
        try config.save(path)
        print("chose control plane \(self.name)")
    }
}

struct RemoveControlPlane: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Forget a control plane.")

    @Option(help: "Its name.") var name: String
    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let path = CLIConfig.path(self.connection.configFile)
        var config = try CLIConfig.load(path)
        guard config.controlPlanes.contains(where: { $0.name == self.name }) else {
            throw CLIFailure("there is no control plane \(self.name); egretctl config control-planes list")
        }
        config.controlPlanes.removeAll { $0.name == self.name }
        if config.current == self.name { config.current = config.controlPlanes.first?.name }
        try config.save(path)
        print("removed control plane \(self.name)")
    }
}
