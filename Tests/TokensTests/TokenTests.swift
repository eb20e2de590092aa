import Crypto
import FoundationEssentials
import JWTKit
import Testing

@testable import Tokens

@Suite("Zone tokens")
struct ZoneTokenTests {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    /// Making RSA keys is slow; tests share them.
    static let key = try! SigningKey(id: "2")
    static let otherKey = try! SigningKey(id: "2")

    let verifier = TokenVerifier(keys: [try! Self.key.verificationKey], revoked: ["stolen"])

    static func claims(
        zone: String = "east", scopes: [ZoneToken.Scope] = [.egress], id: String = "id-1", life: Duration = .seconds(3600)
    ) -> ZoneToken {
        ZoneToken(zone: zone, scopes: scopes, id: id, now: Self.now, life: life, authorityHash: "ab12")
    }

    private func refusal(_ token: String, now: Date = Self.now) -> TokenRefusal.Reason? {
        do {
            _ = try self.verifier.verify(token, as: ZoneToken.self, now: now)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test("A token comes back as it was issued")
    func roundTrip() throws {
        let token = try TokenIssuer.issue(Self.claims(), with: Self.key)
        #expect(try self.verifier.verify(token, as: ZoneToken.self, now: Self.now) == Self.claims())
    }

    @Test("The claims have Kuma's names, and times in whole seconds")
    func wireForm() throws {
        let token = try TokenIssuer.issue(Self.claims(scopes: [.egress, .ingress]), with: Self.key)
        let parts = token.split(separator: ".").map { Self.decoded(String($0)) }
        #expect(parts[0].contains(#""kid":"2""#) && parts[0].contains(#""alg":"RS256""#))
        for claim in [
            #""Zone":"east""#, #""Scope":["egress","ingress"]"#, #""jti":"id-1""#, #""iat":1800000000"#, #""nbf":1799999700"#,
            #""exp":1800003600"#, #""CA":"ab12""#,
        ] {
            #expect(parts[1].contains(claim))
        }
    }

    @Test("A token in Kuma's own form, without audience and CA, is accepted")
    func kumaForm() throws {
        var claims = Self.claims()
        claims.audience = nil
        claims.authorityHash = nil
        #expect(self.refusal(try TokenIssuer.issue(claims, with: Self.key)) == nil)
    }

    @Test("It counts from five minutes before its issue until it expires")
    func times() throws {
        let token = try TokenIssuer.issue(Self.claims(), with: Self.key)
        #expect(self.refusal(token, now: Self.now - 301) == .notYetValid)
        #expect(self.refusal(token, now: Self.now - 300) == nil)
        #expect(self.refusal(token, now: Self.now + 3599) == nil)
        #expect(self.refusal(token, now: Self.now + 3600) == .expired)
    }

    @Test("A revoked one is refused")
    func revoked() throws {
        #expect(self.refusal(try TokenIssuer.issue(Self.claims(id: "stolen"), with: Self.key)) == .revoked)
    }

    @Test("One for another audience is refused")
    func audience() throws {
        var claims = Self.claims()
        claims.audience = "somebody-else"
        #expect(self.refusal(try TokenIssuer.issue(claims, with: Self.key)) == .wrongAudience)
    }

    @Test("A key of another id, or another key of the same id, proves nothing")
    func keys() throws {
        #expect(self.refusal(try TokenIssuer.issue(Self.claims(), with: Self.otherKey)) == .badSignature)
        let foreign = try SigningKey(id: "3", pem: Self.key.pem, what: "the key")
        #expect(self.refusal(try TokenIssuer.issue(Self.claims(), with: foreign)) == .unknownKey)
    }

    @Test("Without a signature, or with one made from our public key, it is refused before the key is asked")
    func algorithms() throws {
        let payload = try TokenIssuer.issue(Self.claims(), with: Self.key).split(separator: ".")[1]
        for none in ["none", "None", "nOnE", ""] {
            let header = Self.encoded(#"{"alg":"\#(none)","kid":"2","typ":"JWT"}"#)
            #expect(self.refusal("\(header).\(payload).") == .wrongAlgorithm)
        }
        let header = Self.encoded(#"{"alg":"HS256","kid":"2","typ":"JWT"}"#)
        let publicKey = SymmetricKey(data: Data(try Self.key.verificationKey.pem.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Data("\(header).\(payload)".utf8), using: publicKey)
        #expect(self.refusal("\(header).\(payload).\(Self.encoded(Data(code)))") == .wrongAlgorithm)
    }

    @Test("A changed claim breaks the signature")
    func tampered() throws {
        var parts = try TokenIssuer.issue(Self.claims(zone: "east"), with: Self.key).split(separator: ".").map(String.init)
        parts[1] = Self.encoded(Self.decoded(parts[1]).replacing("east", with: "west"))
        #expect(self.refusal(parts.joined(separator: ".")) == .badSignature)
    }

    @Test("Critical header extensions are refused", arguments: [#"{"alg":"RS256","kid":"2","crit":["b64"],"b64":false}"#])
    func critical(header: String) throws {
        let parts = try TokenIssuer.issue(Self.claims(), with: Self.key).split(separator: ".")
        #expect(self.refusal("\(Self.encoded(header)).\(parts[1]).\(parts[2])") == .malformed)
    }

    @Test(
        "What is no token is refused in a sentence",
        arguments: [
            "", ".", "..", "a.b", "a.b.c.d", "é.é.é", String(repeating: "x", count: 20_000), "e30.e30.e30", "bnVsbA.e30.", "W10.e30.",
        ])
    func nonsense(text: String) {
        let reason = self.refusal(text)
        #expect(reason == .malformed || reason == .wrongAlgorithm)
    }

    @Test("Scope and zone bind; no zone binds to none")
    func binding() {
        #expect(throws: TokenRefusal(.wrongScope, "")) { try Self.claims().check(scope: .ingress, zone: "east") }
        #expect(throws: TokenRefusal(.wrongZone, "")) { try Self.claims().check(scope: .egress, zone: "west") }
        #expect(throws: TokenRefusal(.wrongScope, "")) { try Self.claims(scopes: []).check(scope: .egress, zone: "east") }
        #expect(throws: Never.self) { try Self.claims(zone: "").check(scope: .egress, zone: "west") }
        #expect(throws: Never.self) { try Self.claims().check(scope: .egress, zone: "east") }
    }

    @Test("A dataplane's token is no zone token, though the same key signed it")
    func otherKind() throws {
        let other = DataplaneToken(mesh: "default", id: "d", now: Self.now, life: .seconds(60), authorityHash: nil)
        let token = try TokenIssuer.issue(other, with: Self.key)
        // It has no scope, so it opens nothing.
        let claims = try self.verifier.verify(token, as: ZoneToken.self, now: Self.now)
        #expect(throws: TokenRefusal(.wrongScope, "")) { try claims.check(scope: .egress, zone: "east") }
        let zone = try TokenIssuer.issue(Self.claims(), with: Self.key)
        #expect(throws: TokenRefusal(.malformed, "")) {
            _ = try self.verifier.verify(zone, as: DataplaneToken.self, now: Self.now)
        }
    }

    static func encoded(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    static func encoded(_ text: String) -> String { self.encoded(Data(text.utf8)) }

    static func decoded(_ part: String) -> String {
        var text = part.replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return String(decoding: Data(base64Encoded: text) ?? Data(), as: UTF8.self)
    }
}
