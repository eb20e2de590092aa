import Identity
import Testing
import X509

struct SigningRequestTests {
    private static let web = "spiffe://default/web"
    private static let holder = Holder(type: "dataplane", name: "web-1")

    @Test("A proxy's request for exactly the allowed names passes, and carries its public key")
    func ourRequest() throws {
        let key = ProxyKey()
        let names = [Self.web, "kuma://version/v1"]
        let request = try SigningRequest(
            pem: key.signingRequest(names: names, holder: Self.holder), allowed: names, from: Self.holder)
        #expect(request.publicKey == key.key.publicKey)
    }

    @Test("A request made by OpenSSL passes")
    func foreignRequest() throws {
        _ = try SigningRequest(pem: Vectors.heldRequest, allowed: [Self.web], from: Self.holder)
    }

    @Test(
        "Anything else is refused, each for its own reason",
        arguments: [
            ("nonsense", IdentityError.Code.malformed), ("", .malformed), (Vectors.authorityCertificate, .malformed),
            (Vectors.unusualRequest, .unsupportedKey),
            (ProxyKey().signingRequest(names: ["spiffe://default/zone-egress"], holder: Self.holder), .wrongName),
            (ProxyKey().signingRequest(names: ["spiffe://Default/web"], holder: Self.holder), .wrongName),
            (ProxyKey().signingRequest(names: [Self.web, "kuma://team/payments"], holder: Self.holder), .wrongName),
            (ProxyKey().signingRequest(names: [], holder: Self.holder), .wrongName),
            (Vectors.webRequest, .wrongHolder), (Vectors.greedyRequest, .wrongHolder),
            (ProxyKey().signingRequest(names: [Self.web], holder: Holder(type: "dataplane", name: "web-2")), .wrongHolder),
            (ProxyKey().signingRequest(names: [Self.web], holder: Holder(type: "egress", name: "web-1")), .wrongHolder),
        ])
    func refused(pem: String, code: IdentityError.Code) {
        let error = #expect(throws: IdentityError.self) { _ = try SigningRequest(pem: pem, allowed: [Self.web], from: Self.holder) }
        #expect(error?.code == code)
    }

    @Test("A request changed in flight is refused")
    func tampered() throws {
        // The last character of the signature's last full line.
        var lines = Vectors.heldRequest.split(separator: "\n").map(String.init)
        let line = lines.count - 2
        lines[line] = (lines[line].first == "A" ? "B" : "A") + lines[line].dropFirst()
        let error = #expect(throws: IdentityError.self) {
            _ = try SigningRequest(pem: lines.joined(separator: "\n"), allowed: [Self.web], from: Self.holder)
        }
        #expect(error?.code == .badSignature || error?.code == .malformed)
    }

    @Test("The sentence names what was asked and what is allowed")
    func sentence() {
        let error = #expect(throws: IdentityError.self) {
            _ = try SigningRequest(pem: Vectors.heldRequest, allowed: ["spiffe://other/web"], from: Self.holder)
        }
        #expect(
            error?.message
                == "the certificate signing request asks for spiffe://default/web; exactly spiffe://other/web is allowed")
        let bare = #expect(throws: IdentityError.self) {
            _ = try SigningRequest(pem: Vectors.webRequest, allowed: [Self.web], from: Self.holder)
        }
        #expect(
            bare?.message
                == "the certificate signing request does not say which proxy made it; it has to be made by urn:egret:proxy:dataplane:web-1, which sends it"
        )
    }
}
