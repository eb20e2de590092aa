import ConfigSync
import Foundation
import Identity
import JSONModel
import MeshModel
import Planning
import TestKit
import Testing
import Tokens

@testable import ControlPlane

/// Every way in which a proxy outside of Kubernetes can fail to be who it says, at the server that it meets.
@Suite("Refused proxies")
struct TokenRefusalTests {
    @Test("Each zone token that is not good is refused for its own reason, on the stream, at registration and for certificates")
    func zoneTokens() async throws {
        let forge = try Forge(serial: 7)
        let stranger = try SigningKey(id: "7")
        let unknown = try SigningKey(id: "8", pem: forge.key.pem, what: "the key")
        try await RunningUniversal.run { running in
            try await running.addSecret("zone-token-signing-key-7", forge.key.pem)
            try await running.addSecret("zone-token-revocations", "other, stolen")
            #expect(try await running.register("zoneegress-1", token: try forge.zone()).status == 204)
            #expect(try await running.stream(token: try forge.zone()).status == 200)

            let long = forge.now - 86_400
            let rows: [(what: String, status: Int, reason: String, token: String?)] = [
                ("none", 401, "no_token", nil),
                ("nonsense", 401, "token_malformed", "nonsense"),
                ("expired", 401, "token_expired", try forge.zone(now: long)),
                ("revoked", 401, "token_revoked", try forge.zone(id: "stolen")),
                ("not yet valid", 401, "token_not_yet_valid", try forge.zone(now: forge.now + 3600)),
                ("unknown kid", 401, "token_unknown_key", try forge.zone(key: unknown)),
                ("another key of that kid", 401, "token_bad_signature", try forge.zone(key: stranger)),
                ("alg=none", 401, "token_wrong_algorithm", try forge.resigned(alg: "none") { _ in Data() }),
                ("HS256 with the public key", 401, "token_wrong_algorithm", try forge.resigned(alg: "HS256", forge.hmac)),
                ("RS256 in the header, HS256 in truth", 401, "token_bad_signature", try forge.resigned(alg: "RS256", forge.hmac)),
                ("wrong scope", 403, "token_wrong_scope", try forge.zone(scopes: [.ingress])),
                ("no scope", 403, "token_wrong_scope", try forge.zone(scopes: [])),
                ("wrong zone", 403, "token_wrong_zone", try forge.zone(zone: "west")),
                ("wrong audience", 401, "token_wrong_audience", try forge.zone { $0.audience = "somebody-else" }),
                ("a dataplane's", 403, "token_wrong_scope", try forge.dataplane()),
            ]
            let request = CertificateRequest(proxyType: .egress, name: "zoneegress-1", mesh: "default", csr: "")
            for row in rows {
                let stream = try await running.stream(token: row.token)
                #expect(stream.status == row.status && stream.reason == row.reason, "\(row.what): \(stream.json.text)")
                #expect(!stream.detail.isEmpty && row.token.map { !stream.json.text.contains($0) } ?? true, "\(row.what)")
                if let token = row.token {
                    #expect(try await running.register("zoneegress-1", token: token).reason == row.reason, "\(row.what)")
                }
                #expect(try await running.post(CertificateRequest.path, request, token: row.token).reason == row.reason, "\(row.what)")
            }
        }
    }

    @Test("A dataplane's token is bound to its mesh, name and tags")
    func dataplaneTokens() async throws {
        let forge = try Forge(serial: 3)
        try await RunningUniversal.run { running in
            for mesh in ["default", "other"] {
                try await running.api("PUT", "/meshes/\(mesh)", ["type": "Mesh", "name": .string(mesh)])
                try await running.addSecret("dataplane-token-signing-key-\(mesh)-3", mesh: mesh, forge.key.pem)
            }
            let web: JSON = [
                "type": "Dataplane", "name": "web-1", "mesh": "default",
                "networking": ["address": "127.0.0.8", "inbound": [["port": 80, "tags": ["kuma.io/service": "web"]]]],
            ]
            #expect(try await running.api("PUT", "/meshes/default/dataplanes/web-1", web).status == 201)
            func refusal(_ token: String, mesh: String = "default", name: String = "web-1") async throws -> String? {
                try await running.stream(.dataplane, name, mesh: mesh, token: token).reason
            }
            #expect(try await refusal(try forge.dataplane(tags: ["kuma.io/service": ["web"]])) == nil)
            #expect(try await refusal(try forge.dataplane(mesh: "other")) == "token_wrong_mesh")
            #expect(try await refusal(try forge.dataplane(), mesh: "other") == "token_wrong_mesh")
            #expect(try await refusal(try forge.dataplane(), mesh: "nowhere") == "token_unknown_key")
            #expect(try await refusal(try forge.dataplane(name: "web-2")) == "token_wrong_name")
            #expect(try await refusal(try forge.dataplane(tags: ["kuma.io/service": ["admin"]])) == "token_wrong_tags")
            #expect(try await refusal(try forge.zone()) == "token_malformed")
            #expect(try await refusal(try forge.dataplane(), name: "web-3") == "no_resource")
        }
    }

    @Test("A signing request is good for the planned name and for the proxy that made it, and for nobody else")
    func signingRequests() async throws {
        try await RunningUniversal.run { running in
            let mesh: JSON = [
                "type": "Mesh", "name": "default", "routing": ["zoneEgress": true],
                "mtls": ["enabledBackend": "ca-1", "backends": [["name": "ca-1", "type": "builtin"]]],
            ]
            #expect(try await running.api("PUT", "/meshes/default", mesh).status == 201)
            let token = try await running.issued("zone", ["scope": ["egress"], "validFor": "1h"])
            for name in ["one", "two"] { #expect(try await running.register(name, token: token).status == 204) }

            func answer(_ csr: String, to name: String, token: String?) async throws -> RunningUniversal.Answer {
                try await running.post(
                    CertificateRequest.path, CertificateRequest(proxyType: .egress, name: name, mesh: "default", csr: csr), token: token)
            }
            let names = CertificateNames.ofEgress(in: .default)
            let key = ProxyKey()
            func request(_ name: String) -> String { key.signingRequest(names: names, holder: Holder(type: "egress", name: name)) }
            for name in ["one", "two"] {
                try await eventually("\(name) is signed for") {
                    try await answer(request(name), to: name, token: token).status == 200 ? true : nil
                }
            }
            let ours = request("one")

            let other = key.signingRequest(names: ["spiffe://default/web"], holder: Holder(type: "egress", name: "one"))
            #expect(try await answer(other, to: "one", token: token).reason == "bad_signing_request")
            // Both may have this very identity; the request is the first one's all the same.
            let replayed = try await answer(ours, to: "two", token: token)
            #expect(replayed.status == 403 && replayed.reason == "foreign_signing_request")
            #expect(
                replayed.detail
                    == "the certificate signing request was made by urn:egret:proxy:egress:one; it has to be made by urn:egret:proxy:egress:two, which sends it"
            )
            #expect(try await answer(ours, to: "one", token: nil).reason == "no_token")
            #expect(try await answer(Self.bare, to: "one", token: token).reason == "foreign_signing_request")
            #expect(try await answer("nonsense", to: "one", token: token).reason == "bad_signing_request")
        }
    }

    /// Made with OpenSSL for `spiffe://default/zone-egress`, and nothing in it says by whom.
    private static let bare = """
        -----BEGIN CERTIFICATE REQUEST-----
        MIH5MIGfAgEAMAAwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASWu8dPkLRJxczS
        cUauOrMy7DewPxKqQkHY3kZYnNQHdY2eQQrBUpOD8UEmYhEMCPFlNv6nsw+e4a47
        e5A9mzKnoD0wOwYJKoZIhvcNAQkOMS4wLDAqBgNVHREBAf8EIDAehhxzcGlmZmU6
        Ly9kZWZhdWx0L3pvbmUtZWdyZXNzMAoGCCqGSM49BAMCA0kAMEYCIQD+f86jMhT9
        IdiObn0AzwCNRomosyTsRrWzo7qpAtQmBgIhAMpAH8lMClUN1VsWVZpDm4IxQDv9
        ghMNhY6QdK4BSv3X
        -----END CERTIFICATE REQUEST-----
        """
}
