import Foundation
import Identity
import Testing
import X509

struct ServingCertificateTests {
    static let now = CertificateAuthorityTests.now
    static let names = ServingCertificate.dnsNames(namespace: "kuma-system")

    @Test("It is known under every name of its Service, and under localhost")
    func names() throws {
        #expect(
            Self.names == [
                "egret-control-plane", "egret-control-plane.kuma-system", "egret-control-plane.kuma-system.svc",
                "egret-control-plane.kuma-system.svc.cluster.local", "localhost",
            ])
        let serving = try ServingCertificate.make(dnsNames: Self.names, ipAddresses: ["127.0.0.1", "::1", "nonsense"], now: Self.now)
        let names = try #require(try serving.certificate.extensions.subjectAlternativeNames)
        #expect(names.count == Self.names.count + 2)
    }

    @Test("It survives its trip through the Secret, and a mixture of two is refused")
    func roundTrip() throws {
        let one = try ServingCertificate.make(dnsNames: Self.names, ipAddresses: [], now: Self.now)
        let two = try ServingCertificate.make(dnsNames: Self.names, ipAddresses: [], now: Self.now)
        let read = try ServingCertificate(
            certificatePEM: one.certificate.pem, keyPEM: one.key.pem, authorityPEM: one.authority.certificate.pem,
            authorityKeyPEM: one.authority.key.pem)
        #expect(read.certificate == one.certificate)
        for (certificate, key, authority) in [(one, two, one), (one, one, two), (two, one, one)] {
            let error = #expect(throws: IdentityError.self) {
                _ = try ServingCertificate(
                    certificatePEM: certificate.certificate.pem, keyPEM: key.key.pem,
                    authorityPEM: authority.authority.certificate.pem, authorityKeyPEM: authority.authority.key.pem)
            }
            #expect(error?.code == .keyMismatch)
        }
    }

    @Test("It asks for renewal at 4/5 of its life or when it lacks a name, and keeps its CA then")
    func renewal() throws {
        let serving = try ServingCertificate.make(dnsNames: Self.names, ipAddresses: [], now: Self.now)
        #expect(!serving.needsRenewal(dnsNames: Self.names, now: Self.now + 291 * 86400))
        #expect(serving.needsRenewal(dnsNames: Self.names, now: Self.now + 293 * 86400))
        #expect(serving.needsRenewal(dnsNames: Self.names + ["new"], now: Self.now))
        let next = try serving.renewed(dnsNames: Self.names, ipAddresses: [], now: Self.now + 293 * 86400)
        #expect(next.authority.certificate == serving.authority.certificate)
        #expect(next.certificate.publicKey != serving.certificate.publicKey)
    }
}
