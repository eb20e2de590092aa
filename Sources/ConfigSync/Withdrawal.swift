/// A proxy is about to stop: `POST /v1/withdrawals`. From then on nobody is sent to it, though its stream stays open while its
/// connections end. A new stream takes it back. It counts for the process that has the stream: another of the same name, which was
/// refused or lost, takes nothing away from it.
package struct Withdrawal: Codable, Hashable, Sendable {
    package static let path = "/v1/withdrawals"

    package var proxyType: ProxyType
    package var name: String
    /// Empty for zone proxies.
    package var mesh: String
    /// Of the stream that it is about.
    package var instance: String

    package init(proxyType: ProxyType, name: String, mesh: String, instance: String) {
        self.proxyType = proxyType
        self.name = name
        self.mesh = mesh
        self.instance = instance
    }
}
