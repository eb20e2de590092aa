import Foundation
import Identity
import SwiftASN1
import Testing
import X509

struct LeafTests {
    static let now = CertificateAuthorityTests.now
    let authority: CertificateAuthority

    init() throws {
        self.authority = try .makeBuiltin(
            mesh: "default", key: try KeyKind.p256.makeKey(), life: .seconds(10 * 86400), now: Self.now, serial: .random())
    }

    private func uris(_ certificate: Certificate) throws -> [GeneralName] {
        try certificate.extensions.subjectAlternativeNames.map(Array.init) ?? []
    }

    @Test("A certificate carries the names it is given, for client and server, 24 h by default")
    func egressLeaf() throws {
        let names = ["spiffe://default/zone-egress", "kuma://kuma.io/service/zone-egress"]
        let leaf = try self.authority.issue(
            LeafProfile(uris: names, life: LeafProfile.defaultLife), for: ProxyKey().key.publicKey, now: Self.now, serial: .random())
        #expect(
            try self.uris(leaf) == names.map(GeneralName.uniformResourceIdentifier))
        #expect(leaf.notValidBefore == Date(timeIntervalSince1970: 1_799_999_990))
        #expect(leaf.notValidAfter == Date(timeIntervalSince1970: 1_800_086_400))
        #expect(try leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.clientAuth, .serverAuth]))
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(leaf.subject.isEmpty)
        #expect(leaf.issuer == self.authority.certificate.subject)
        #expect(self.authority.certificate.publicKey.isValidSignature(leaf.signature, for: leaf))
    }

    @Test("A leaf never outlives its CA, and an ended CA signs nothing")
    func lifeIsBounded() throws {
        let key = ProxyKey().key.publicKey
        let long = try self.authority.issue(
            LeafProfile(uris: ["spiffe://default/a"], life: .seconds(1_000_000_000)), for: key, now: Self.now, serial: .random())
        #expect(long.notValidAfter == self.authority.certificate.notValidAfter)
        let error = #expect(throws: IdentityError.self) {
            _ = try self.authority.issue(
                LeafProfile(uris: ["spiffe://default/a"], life: .seconds(60)), for: key, now: Self.now + 11 * 86400, serial: .random())
        }
        #expect(error?.code == .expired)
    }

    @Test("Renewal is at 4/5 of life in whole seconds, up to a twentieth of the life earlier by chance")
    func renewal() {
        let start = Date(timeIntervalSince1970: 1000)
        let end = start + 86410
        #expect(Renewal.date(notBefore: start, notAfter: end, jitter: 0) == Date(timeIntervalSince1970: 1000 + 69128))
        #expect(Renewal.date(notBefore: start, notAfter: end, jitter: 1) == Date(timeIntervalSince1970: 1000 + 64807))
        #expect(Renewal.date(notBefore: start, notAfter: end, jitter: 7) == Date(timeIntervalSince1970: 1000 + 64807))
        #expect(Renewal.date(notBefore: end, notAfter: start, jitter: 0) == end)
    }

    @Test("Serial numbers are positive and 20 bytes long")
    func serials() {
        for _ in 0..<64 {
            let bytes = Array(Certificate.SerialNumber.random().bytes)
            #expect(bytes.count == 20 && (0x40...0x7F).contains(bytes[0]))
        }
    }
}
