import Foundation
import Identity
import Testing
import X509

struct CertificateAuthorityTests {
    static let now = Date(timeIntervalSince1970: 1_800_000_000.7)

    private func builtin(_ kind: KeyKind = .p256, life: Duration = .seconds(86400)) throws -> CertificateAuthority {
        try .makeBuiltin(mesh: "default", key: kind.makeKey(), life: life, now: Self.now, serial: .init(bytes: [1, 2, 3]))
    }

    @Test("A builtin CA is a P-256 root of the mesh's trust domain, valid from ten seconds ago for the asked life")
    func builtinAuthority() throws {
        let authority = try self.builtin()
        let certificate = authority.certificate
        #expect(certificate.notValidBefore == Date(timeIntervalSince1970: 1_799_999_990))
        #expect(certificate.notValidAfter == Date(timeIntervalSince1970: 1_800_086_400))
        #expect(certificate.serialNumber == .init(bytes: [1, 2, 3]))
        #expect(try certificate.extensions.subjectAlternativeNames.map(Array.init) == [.uniformResourceIdentifier("spiffe://default")])
        #expect(try certificate.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(certificate.publicKey.isValidSignature(certificate.signature, for: certificate))
    }

    @Test("RSAbits makes an RSA CA, whose leaves verify")
    func rsaAuthority() throws {
        let authority = try self.builtin(KeyKind(rsaBits: 2048))
        let leaf = try authority.issue(
            LeafProfile(uris: ["spiffe://default/zone-egress"], life: LeafProfile.defaultLife), for: ProxyKey().key.publicKey,
            now: Self.now, serial: .random())
        #expect(leaf.signatureAlgorithm == .sha256WithRSAEncryption)
        #expect(authority.certificate.publicKey.isValidSignature(leaf.signature, for: leaf))
    }

    @Test("RSAbits that no library takes are refused in words", arguments: [512, 2049, 100_000, -8])
    func unusableBits(bits: Int) throws {
        let error = #expect(throws: IdentityError.self) { _ = try KeyKind(rsaBits: bits) }
        #expect(error?.message == "RSAbits is \(bits); use a multiple of 8 between 2048 and 8192")
    }

    @Test("A CA survives its trip through PEM", arguments: [KeyKind.p256, .rsa(bits: 2048)])
    func roundTrip(kind: KeyKind) throws {
        let authority = try self.builtin(kind)
        let read = try CertificateAuthority(certificatePEM: authority.certificate.pem, keyPEM: authority.key.pem, name: "the CA")
        #expect(read.certificate == authority.certificate)
        #expect(read.key == authority.key)
    }

    @Test("A CA made by OpenSSL is accepted")
    func foreignAuthority() throws {
        _ = try CertificateAuthority(certificatePEM: Vectors.authorityCertificate, keyPEM: Vectors.authorityKey, name: "the CA")
    }

    @Test("A CA that cannot serve is refused with what is wrong and never with key material")
    func unusableAuthorities() throws {
        func problem(_ certificate: String, _ key: String) -> IdentityError? {
            #expect(throws: IdentityError.self) {
                _ = try CertificateAuthority(certificatePEM: certificate, keyPEM: key, name: "the CA of mesh default")
            }
        }
        let mismatch = problem(Vectors.authorityCertificate, Vectors.leafKey)
        #expect(mismatch?.code == .keyMismatch)
        #expect(mismatch?.message == "the certificate and the private key of the CA of mesh default do not belong together")
        #expect(problem(Vectors.leafCertificate, Vectors.leafKey)?.code == .notAnAuthority)
        #expect(problem("", Vectors.leafKey)?.message == "the certificate of the CA of mesh default holds no PEM certificate")
        let halfKey = problem(Vectors.authorityCertificate, String(Vectors.authorityKey.prefix(200)))
        #expect(halfKey?.code == .malformed)
        #expect(halfKey.map { !$0.message.contains("MII") } == true)
        #expect(problem(Vectors.authorityKey, Vectors.authorityKey)?.code == .malformed)
    }

    @Test("Descriptions never show a key")
    func descriptions() throws {
        let authority = try self.builtin()
        #expect("\(authority)" == "CertificateAuthority(CN=default,O=Egret, key: …)")
        #expect("\(ProxyKey())" == "ProxyKey(…)")
    }
}
