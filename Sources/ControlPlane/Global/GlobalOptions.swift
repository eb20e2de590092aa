/// How a global control plane runs.
package struct GlobalOptions: Hashable, Sendable {
    /// The SQLite file.
    package var storeFile = "egret.db"
    package var bindAddress = "0.0.0.0"
    /// For control planes of zones.
    package var zonePort = 5685
    package var proxyPort = 5678
    package var diagnosticsPort = 5680
    package var apiPort = 5681
    package var apiTLSPort = 5682
    /// Names and addresses, beside the machine's own, under which zones reach this control plane.
    package var names: [String] = []
    /// As in `UniversalOptions`.
    package var configFile: String?

    package init() {}
}
