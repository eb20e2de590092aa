import FoundationEssentials
import Identity
import JSONModel
import Logging
import Planning
import ServiceLifecycle

/// The REST API on Kubernetes: reads what is cached of the cluster, and issues zone tokens. Everything else is kubectl's.
///
/// Plain HTTP is for this pod alone, where `kubectl port-forward` arrives and is an administrator, as in Kuma; over HTTPS a
/// user token makes one.
struct ClusterAPI {
    let options: ControlPlaneOptions
    let version: String
    let source: any WorldSource
    let hub: ConfigHub
    let acknowledgements: AcknowledgementBook
    let settings: CurrentSettings
    let keys: TokenKeys
    let logger: Logger
    let onListening: @Sendable (_ server: String, _ port: Int) -> Void

    func servers(_ identity: ServingIdentity) -> [any Service] {
        let settings = self.settings
        let resources = ResourceAPI(
            reading: ClusterResources(self.source), hub: self.hub, acknowledgements: self.acknowledgements)
        let tokens = TokenAPI(keys: self.keys, zone: { settings.value?.zone }, hasDataplaneTokens: false) {
            CertificateHash.of(pem: identity.certificate.authority.certificate.pem)
        }
        let index: JSON = [
            "hostname": .string(ProcessInfo.processInfo.hostName), "tagline": "Egret", "product": "Egret", "version": .string(self.version),
            "mode": "zone", "environment": "kubernetes",
        ]
        func server(_ name: String, _ host: String, _ port: Int, flag: String, _ identity: ServingIdentity?) -> APIServer {
            APIServer(
                address: .init(host: host, port: port), flag: flag, identity: identity, resources: resources,
                inspect: InspectAPI(reader: ClusterResources(self.source), hub: self.hub), tokens: tokens,
                keys: self.keys, index: index, logger: self.logger
            ) { [logger, onListening] port in
                logger.info("Serving the API", metadata: ["address": "\(host)", "port": "\(port)", "tls": "\(identity != nil)"])
                onListening(name, port)
            }
        }
        return [
            Dispensable(
                server: server("api", Self.ownHost(self.options.bindAddress), self.options.apiPort, flag: "--api-port", nil),
                logger: self.logger),
            server("api-tls", self.options.bindAddress, self.options.apiTLSPort, flag: "--api-tls-port", identity),
        ]
    }

    /// Where nobody else reaches: a loopback address that was given, or the usual one.
    private static func ownHost(_ bindAddress: String) -> String {
        bindAddress.hasPrefix("127.") || bindAddress == "::1" ? bindAddress : "127.0.0.1"
    }
}
