package import FoundationEssentials
package import Identity
package import KubeAPI
import MeshModel

/// The Secret that all replicas share and pods mount `ca.crt` of. Whoever comes first makes it; 409 means to read the other's.
package struct ServingCertificateStore: Sendable {
    package static let secretName = "egret-control-plane-tls"

    package let writer: any ClusterWriter
    package let namespace: String
    /// Names and addresses to certify beside those of the Service.
    private let names: [String]

    package init(writer: any ClusterWriter, namespace: String, names: [String] = []) {
        self.writer = writer
        self.namespace = namespace
        self.names = names
    }

    private var key: ObjectKey { ObjectKey(namespace: self.namespace, name: Self.secretName) }
    private var dnsNames: [String] {
        ServingCertificate.dnsNames(namespace: self.namespace) + self.names.filter { !Address.isIP($0) }
    }
    private var addresses: [String] { ["127.0.0.1", "::1"] + self.names.filter(Address.isIP) }

    package enum Failure: Error, CustomStringConvertible {
        case kube(KubeError)
        /// The Secret is there and of no use.
        case unusable(String)

        package var description: String {
            switch self {
            case .kube(let error): "\(error)"
            case .unusable(let sentence): sentence
            }
        }
    }

    /// Reads the certificate, makes it where there is none, renews it where it is time.
    package func ensure(now: Date) async throws(Failure) -> ServingCertificate {
        do {
            if let secret = try await self.writer.find(.secrets, self.key) { return try await self.renewed(secret, now: now) }
            let made = try self.make(now: now)
            do {
                _ = try await self.writer.create(.secrets, Self.secret(made, namespace: self.namespace))
                return made
            } catch {
                guard case .alreadyExists = error else { throw error }
                guard let other = try await self.writer.find(.secrets, self.key) else { return try await self.ensure(now: now) }
                return try self.read(other)
            }
        } catch let failure as Failure {
            throw failure
        } catch let error as KubeError {
            throw .kube(error)
        } catch {
            throw .unusable("\(error)")
        }
    }

    /// Puts a certificate back whose Secret was deleted: proxies trust its CA, and new pods mount it.
    /// False when it is there after all: another replica was faster, or our cache is behind.
    package func restore(_ certificate: ServingCertificate) async throws(KubeError) -> Bool {
        do {
            _ = try await self.writer.create(.secrets, Self.secret(certificate, namespace: self.namespace))
            return true
        } catch {
            guard case .alreadyExists = error else { throw error }
            return false
        }
    }

    /// What the Secret holds, as it is.
    package func read(_ secret: KubeObject) throws(Failure) -> ServingCertificate {
        do {
            return try ServingCertificate(
                certificatePEM: secret.secretText("tls.crt") ?? "", keyPEM: secret.secretText("tls.key") ?? "",
                authorityPEM: secret.secretText("ca.crt") ?? "", authorityKeyPEM: secret.secretText("ca.key") ?? "")
        } catch {
            throw .unusable(
                "Secret \(self.key) is not usable: \(error.message); delete it and restart the control plane to get a new one")
        }
    }

    /// Whether the leader should call `ensure` again.
    package func needsRenewal(_ certificate: ServingCertificate, now: Date) -> Bool {
        certificate.needsRenewal(dnsNames: self.dnsNames, now: now)
    }

    private func make(now: Date) throws(IdentityError) -> ServingCertificate {
        try ServingCertificate.make(dnsNames: self.dnsNames, ipAddresses: self.addresses, now: now)
    }

    private func renewed(_ secret: KubeObject, now: Date) async throws -> ServingCertificate {
        let current = try self.read(secret)
        guard self.needsRenewal(current, now: now) else { return current }
        let next = try current.renewed(dnsNames: self.dnsNames, ipAddresses: self.addresses, now: now)
        var object = Self.secret(next, namespace: self.namespace)
        object.metadata.resourceVersion = secret.metadata.resourceVersion
        do {
            _ = try await self.writer.replace(.secrets, object)
            return next
        } catch {
            guard case .conflict = error else { throw error }
            // Another replica renewed it in the same moment.
            return try await self.writer.find(.secrets, self.key).map { try self.read($0) } ?? current
        }
    }

    private static func secret(_ certificate: ServingCertificate, namespace: String) -> KubeObject {
        .secret(
            name: Self.secretName, namespace: namespace, type: "kubernetes.io/tls",
            labels: [
                "app.kubernetes.io/name": "egret", "app.kubernetes.io/component": "control-plane",
                "app.kubernetes.io/managed-by": "egret",
            ],
            texts: [
                "tls.crt": certificate.certificate.pem, "tls.key": certificate.key.pem,
                "ca.crt": certificate.authority.certificate.pem, "ca.key": certificate.authority.key.pem,
            ])
    }
}
