import Identity
import Testing
import X509

struct SigningRequestTests {
    private static let web = "spiffe://default/web"
    private static let holder = Holder(type: "dataplane", name: "web-1")

    @Test("A proxy's request for exactly the allowed name passes, and carries its public key")
    func ourRequest() throws {
        let key = ProxyKey()
        let request = try SigningRequest(
            pem: key.signingRequest(spiffeID: Self.web, holder: Self.holder), allowed: Self.web, from: Self.holder)
        #expect(request.publicKey == key.key.publicKey)
    }

    @Test("A request made by OpenSSL passes")
    func foreignRequest() throws {
        _ = try SigningRequest(pem: Vectors.heldRequest, allowed: Self.web, from: Self.holder)
    }

    @Test(
        "Anything else is refused, each for its own reason",
        arguments: [
            ("nonsense", IdentityError.Code.malformed), ("", .malformed), (Vectors.authorityCertificate, .malformed),
            (Vectors.greedyRequest, .wrongName), (Vectors.unusualRequest, .unsupportedKey),
            (ProxyKey().signingRequest(spiffeID: "spiffe://default/zone-egress", holder: Self.holder), .wrongName),
            (ProxyKey().signingRequest(spiffeID: "spiffe://Default/web", holder: Self.holder), .wrongName),
            (Vectors.webRequest, .wrongHolder),
            (ProxyKey().signingRequest(spiffeID: Self.web, holder: Holder(type: "dataplane", name: "web-2")), .wrongHolder),
            (ProxyKey().signingRequest(spiffeID: Self.web, holder: Holder(type: "egress", name: "web-1")), .wrongHolder),
        ])
    func refused(pem: String, code: IdentityError.Code) {
        let error = #expect(throws: IdentityError.self) { _ = try SigningRequest(pem: pem, allowed: Self.web, from: Self.holder) }
        #expect(error?.code == code)
    }

    @Test("A request changed in flight is refused")
    func tampered() throws {
        // The last character of the signature's last full line.
        var lines = Vectors.heldRequest.split(separator: "\n").map(String.init)
        let line = lines.count - 2
        lines[line] = (lines[line].first == "A" ? "B" : "A") + lines[line].dropFirst()
        let error = #expect(throws: IdentityError.self) {
            _ = try SigningRequest(pem: lines.joined(separator: "\n"), allowed: Self.web, from: Self.holder)
        }
        #expect(error?.code == .badSignature || error?.code == .malformed)
    }

    @Test("The sentence names what was asked and what is allowed")
    func sentence() {
        let error = #expect(throws: IdentityError.self) {
            _ = try SigningRequest(pem: Vectors.heldRequest, allowed: "spiffe://other/web", from: Self.holder)
        }
        #expect(
            error?.message
                == "the certificate signing request asks for spiffe://default/web; only spiffe://other/web is allowed")
        let bare = #expect(throws: IdentityError.self) {
            _ = try SigningRequest(pem: Vectors.webRequest, allowed: Self.web, from: Self.holder)
        }
        #expect(
            bare?.message
                == "the certificate signing request does not say which proxy made it; it has to be made by urn:egret:proxy:dataplane:web-1, which sends it"
        )
    }
}
