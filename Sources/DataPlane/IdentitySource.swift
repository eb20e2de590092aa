import FoundationEssentials
import Routing
import X509

/// Where this proxy's certificates come from: the control plane signs them, or a static file names them.
protocol IdentitySource: Sendable {
    /// Keeps exactly these from now on.
    func want(_ requests: [IdentityRequest])
    /// Returns when every identity is there, or the time is over.
    func waitUntilReady(atMost limit: Duration) async
    /// Returns when every identity is there or has been asked for in vain, or the time is over.
    func waitUntilTried(atMost limit: Duration) async
    /// What is missing now.
    var errors: [ItemError] { get }
    /// What is presented in each mesh, leaf first; sorted by mesh.
    var certificates: [(mesh: String, chain: [Certificate])] { get }
    /// Until cancelled.
    func run() async
}

extension IdentitySource {
    /// When each mesh's certificate ends.
    var expiries: [(mesh: String, notAfter: Date)] {
        self.certificates.compactMap { mesh, chain in chain.first.map { (mesh, $0.notValidAfter) } }
    }
}
