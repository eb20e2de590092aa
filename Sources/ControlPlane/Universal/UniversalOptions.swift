package import ControlPlaneAccess
package import Planning

/// How a control plane without Kubernetes runs.
package struct UniversalOptions: Sendable {
    /// The zone of this control plane.
    package var zone = "default"
    /// The SQLite file.
    package var storeFile = "egret.db"
    package var bindAddress = "0.0.0.0"
    package var proxyPort = 5678
    package var diagnosticsPort = 5680
    package var apiPort = 5681
    package var apiTLSPort = 5682
    /// Names and addresses, beside the machine's own, under which proxies reach this control plane.
    package var names: [String] = []
    /// Who issues tokens and what proves them: `TokenSettings.read(file:)`. Nil: this control plane, by its own keys.
    package var configFile: String?
    /// The folder of files that external services may name for their TLS. Nil: they may name none.
    package var filesFolder: String?
    /// The global control plane, where the zone has one, and what proves the zone to it.
    package var global: GlobalControlPlaneAddress?
    package var globalToken: TextSource?
    /// Nil: the one that the token names.
    package var globalAuthority: TextSource?

    package init() {}
}
