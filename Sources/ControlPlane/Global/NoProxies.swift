import ConfigSync
import FoundationEssentials
import Planning

/// The global control plane serves no proxies, and tells those that come.
struct NoProxies: ProxyAuthenticator, ProxyRegistrar {
    static let refusal = AccessRefusal(
        .globalControlPlane, "this is a global control plane, which serves no proxies; give the proxy the control plane of its zone")

    var home: Home { .universal }

    func authenticate(token: String, as proxy: ProxyClaim) throws(AccessRefusal) { throw Self.refusal }

    func register(_ registration: Registration, as proxy: ProxyClaim, token: String, now: Date) throws(AccessRefusal) {
        throw Self.refusal
    }

    func authorize(_ proxy: ProxyClaim, token: String) throws(AccessRefusal) { throw Self.refusal }
}
