internal import JSONModel

/// `users[].user.exec` of a kubeconfig: a program that prints credentials.
package struct ExecPlugin: Hashable, Sendable {
    package var command: String
    package var arguments: [String]
    package var environment: [String: String]
    /// `client.authentication.k8s.io/v1` or `…/v1beta1`.
    package var apiVersion: String
    /// What the kubeconfig's author says to whoever does not have the program.
    package var installHint: String
    package var provideClusterInfo: Bool

    package static let apiVersions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]

    package init(
        command: String, arguments: [String] = [], environment: [String: String] = [:], apiVersion: String = apiVersions[0],
        installHint: String = "", provideClusterInfo: Bool = false
    ) {
        self.command = command
        self.arguments = arguments
        self.environment = environment
        self.apiVersion = apiVersion
        self.installHint = installHint
        self.provideClusterInfo = provideClusterInfo
    }

    init(_ exec: JSON, entry: Kubeconfig.Entry, place: String) throws(KubeconfigError) {
        guard let command = exec["command"]?.string, !command.isEmpty else { throw KubeconfigError("\(place): exec has no command") }
        let apiVersion = exec["apiVersion"]?.string ?? ""
        guard Self.apiVersions.contains(apiVersion) else {
            throw KubeconfigError(
                "\(place): exec.apiVersion is \"\(apiVersion)\"; it must be \(Self.apiVersions.joined(separator: " or ")): renew the kubeconfig with your provider's tool"
            )
        }
        if exec["interactiveMode"]?.string == "Always" {
            throw KubeconfigError(
                "\(place): the plugin \(command) always asks a person (interactiveMode: Always), which cannot be done here")
        }
        // A command with a slash is a path beside the kubeconfig; a bare one is looked for in PATH.
        self.command = command.contains("/") ? entry.resolve(command) : command
        self.arguments = (exec["args"]?.array ?? []).compactMap(\.string)
        self.environment = [:]
        for variable in exec["env"]?.array ?? [] {
            guard let name = variable["name"]?.string else { throw KubeconfigError("\(place): an entry of exec.env has no name") }
            self.environment[name] = variable["value"]?.string ?? ""
        }
        self.apiVersion = apiVersion
        self.installHint = exec["installHint"]?.string ?? ""
        self.provideClusterInfo = exec["provideClusterInfo"]?.bool ?? false
    }
}
