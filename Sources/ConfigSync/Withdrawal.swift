/// A proxy is about to stop: `POST /v1/withdrawals`. From then on nobody is sent to it, though its stream stays open while its
/// connections end. A new stream takes it back.
package struct Withdrawal: Codable, Hashable, Sendable {
    package static let path = "/v1/withdrawals"

    package var proxyType: ProxyType
    package var name: String
    /// Empty for zone proxies.
    package var mesh: String

    package init(proxyType: ProxyType, name: String, mesh: String) {
        self.proxyType = proxyType
        self.name = name
        self.mesh = mesh
    }
}
