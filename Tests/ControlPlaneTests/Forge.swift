import Crypto
import Foundation
import Tokens

/// Whoever has signing keys and bad intentions: tokens that differ from good ones in one thing.
struct Forge: Sendable {
    /// The control plane knows it.
    let key: SigningKey
    let now = Date()

    init(serial: Int) throws { self.key = try SigningKey(id: "\(serial)") }

    func zone(
        zone: String = "east", scopes: [ZoneToken.Scope] = [.egress], id: String = "id-1", key: SigningKey? = nil, now: Date? = nil,
        _ change: (inout ZoneToken) -> Void = { _ in }
    ) throws -> String {
        var claims = ZoneToken(zone: zone, scopes: scopes, id: id, now: now ?? self.now, life: .seconds(3600), authorityHash: nil)
        change(&claims)
        return try TokenIssuer.issue(claims, with: key ?? self.key)
    }

    func dataplane(mesh: String = "default", name: String = "", tags: [String: [String]] = [:]) throws -> String {
        try TokenIssuer.issue(
            DataplaneToken(mesh: mesh, name: name, tags: tags, id: "id-2", now: self.now, life: .seconds(3600), authorityHash: nil),
            with: self.key)
    }

    /// A good token's claims under another header, with the signature that `sign` makes.
    func resigned(alg: String, _ sign: (_ signed: Data) throws -> Data) throws -> String {
        let payload = try self.zone().split(separator: ".")[1]
        let header = Self.encoded(Data(#"{"alg":"\#(alg)","kid":"\#(self.key.id)","typ":"JWT"}"#.utf8))
        let signed = "\(header).\(payload)"
        return "\(signed).\(Self.encoded(try sign(Data(signed.utf8))))"
    }

    /// The public key taken for a shared secret.
    func hmac(_ signed: Data) throws -> Data {
        let secret = SymmetricKey(data: Data(try self.key.verificationKey.pem.utf8))
        return Data(HMAC<SHA256>.authenticationCode(for: signed, using: secret))
    }

    private static func encoded(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
