package import ConfigSync
package import FoundationEssentials

/// Takes the resource that a proxy brings with it.
package protocol ProxyRegistrar: Sendable {
    /// Stores the resource, or says why not. The caller is authenticated as `proxy`.
    func register(_ registration: Registration, as proxy: ProxyClaim, token: String, now: Date) async throws(AccessRefusal)
}
