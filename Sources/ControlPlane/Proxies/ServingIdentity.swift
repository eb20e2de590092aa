package import Identity
import NIOCore
package import NIOSSL
import Synchronization

/// The certificate the proxy-facing server shows. A new one serves from the next handshake on; open streams stay.
package final class ServingIdentity: Sendable {
    private struct Material {
        var chain: [NIOSSLCertificateSource]
        var key: NIOSSLPrivateKeySource
        var certificate: ServingCertificate
    }

    private let material: Mutex<Material>

    package init(_ certificate: ServingCertificate) throws { self.material = Mutex(try Self.material(certificate)) }

    /// Returns whether this is another certificate than before.
    @discardableResult
    package func update(_ certificate: ServingCertificate) throws -> Bool {
        let new = try Self.material(certificate)
        return self.material.withLock { material in
            defer { material = new }
            return material.certificate.certificate != certificate.certificate
        }
    }

    /// What is shown now.
    package var certificate: ServingCertificate { self.material.withLock { $0.certificate } }

    package var tlsConfiguration: TLSConfiguration {
        let (chain, key) = self.material.withLock { ($0.chain, $0.key) }
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.sslContextCallback = { [self] _, promise in
            var override = NIOSSLContextConfigurationOverride()
            (override.certificateChain, override.privateKey) = self.material.withLock { ($0.chain, $0.key) }
            promise.succeed(override)
        }
        return configuration
    }

    private static func material(_ certificate: ServingCertificate) throws -> Material {
        let leaf = try NIOSSLCertificate(bytes: Array(certificate.certificate.pem.utf8), format: .pem)
        let key = try NIOSSLPrivateKey(bytes: Array(certificate.key.pem.utf8), format: .pem)
        return Material(chain: [.certificate(leaf)], key: .privateKey(key), certificate: certificate)
    }
}
