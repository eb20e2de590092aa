import Crypto
import FoundationEssentials
import Identity
import JSONModel
import Routing
import SwiftASN1
import X509

/// What `/certs` shows: everything that is public of certificates.
enum CertificatePage {
    static func json(_ identities: [(mesh: String, chain: [Certificate])], _ config: ProxyConfig) -> JSON {
        let clusters = config.clusters.flatMap { cluster in
            cluster.externals.map { endpoint, tls -> JSON in
                var json: JSON = ["cluster": JSON(cluster.name), "verify": JSON(tls.verify.rawValue)]
                json["endpoint"] = endpoint.map { JSON("\($0.address) port \($0.port)") }
                json["ca"] = tls.ca.map { self.bundle($0) } ?? "the system's roots"
                json["clientCertificate"] = tls.clientCertificate.map { self.bundle($0.certificate) }
                return json
            }
        }
        return [
            "identities": .array(identities.map { ["mesh": JSON($0.mesh), "chain": .array($0.chain.map(self.certificate))] }),
            "trust": .array(config.trust.map { ["mesh": JSON($0.mesh), "certificates": self.bundle($0.ca)] }),
            "clusters": .array(clusters),
        ]
    }

    private static func bundle(_ pem: String) -> JSON {
        do {
            return .array(try Certificate.bundle(pem: pem, what: "it").map(self.certificate))
        } catch {
            return ["error": "not a PEM bundle of certificates"]
        }
    }

    static func certificate(_ certificate: Certificate) -> JSON {
        var json: JSON = [
            "subject": JSON(certificate.subject.description), "issuer": JSON(certificate.issuer.description),
            "serial": JSON(self.hex(certificate.serialNumber.bytes)),
            "notBefore": JSON(certificate.notValidBefore.formatted(.iso8601)),
            "notAfter": JSON(certificate.notValidAfter.formatted(.iso8601)),
        ]
        json["spiffeId"] = certificate.spiffeID.map { JSON($0) }
        json["names"] = .array(certificate.uris.map { JSON($0) })
        var serializer = DER.Serializer()
        if (try? serializer.serialize(certificate)) != nil {
            json["sha256"] = JSON(self.hex(SHA256.hash(data: Data(serializer.serializedBytes))))
        }
        return json
    }

    /// As OpenSSL writes it: `AB:01`.
    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { (String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)).uppercased() }.joined(separator: ":")
    }
}
