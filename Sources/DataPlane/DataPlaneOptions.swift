package import ConfigSync
package import ControlPlaneAccess
import FoundationEssentials
package import JSONModel

/// What a proxy has to know before it can ask for anything.
package struct DataPlaneOptions: Sendable {
    package var proxyType: ProxyType
    /// `<pod>.<namespace>` on Kubernetes.
    package var name: String
    /// Empty for zone proxies.
    package var mesh: String
    /// The proxy's own resource, in the universal form, where it brings one; nil where the control plane has it.
    package var resource: JSON?
    /// Tells this process from others under the same name.
    package let instance = UUID().uuidString.lowercased()
    package var source: ConfigSource
    /// Where probes and scrapes come from outside: the pod's own address. Nil means loopback only.
    package var ownAddress: String?
    /// Nil: what a static file says, else 9901.
    package var adminPort: Int?
    /// A second port of the admin server, where Kuma's data plane has its `/ready`; nil: none.
    package var readinessPort: Int?
    /// Resident bytes from which on new connections are refused; nil: only the system's own limits count.
    package var memoryLimit: UInt64?
    /// Accepting goes on for this long after readiness was withdrawn.
    package var drainGrace = Duration.seconds(5)
    /// Open connections get this long to end by themselves.
    package var drainTime = Duration.seconds(30)
    /// From accept to a complete ClientHello; nil means what a static file says, else the engine's default.
    package var helloTimeout: Duration?
    /// The most bytes a ClientHello may take, record headers included; nil as above.
    package var maxHelloBytes: Int?
    /// Worker threads; nil means what a static file says, else one per usable core.
    package var concurrency: Int?
    /// Where the last good configuration is kept for a restart; nil: nowhere.
    package var stateFolder: String?
    /// Whether private keys are kept there, too.
    package var savesKeys = false
    /// How long a new configuration waits for the certificates its routes need.
    package var identityWait = Duration.seconds(10)

    package init(proxyType: ProxyType, name: String, mesh: String, source: ConfigSource, adminPort: Int? = nil) {
        self.proxyType = proxyType
        self.name = name
        self.mesh = mesh
        self.source = source
        self.adminPort = adminPort
    }
}

/// Where the configuration comes from.
package enum ConfigSource: Sendable {
    case controlPlane(ControlPlaneAddress)
    /// A file with all there is to obey, see `docs/static-config.md`.
    case file(String)
}
