import FoundationEssentials
import Testing
import Tokens

@Suite("Dataplane tokens")
struct DataplaneTokenTests {
    private func token(name: String = "", tags: [String: [String]] = [:]) -> DataplaneToken {
        DataplaneToken(
            mesh: "default", name: name, tags: tags, id: "d", now: Date(timeIntervalSince1970: 1_800_000_000), life: .seconds(60),
            authorityHash: nil)
    }

    @Test("The mesh always binds, the name when it is given")
    func names() {
        #expect(throws: TokenRefusal(.wrongMesh, "")) { try self.token().check(mesh: "other", name: "a", tags: [:]) }
        #expect(throws: TokenRefusal(.wrongName, "")) { try self.token(name: "b").check(mesh: "default", name: "a", tags: [:]) }
        #expect(throws: Never.self) { try self.token().check(mesh: "default", name: "a", tags: [:]) }
        #expect(throws: Never.self) { try self.token(name: "a").check(mesh: "default", name: "a", tags: [:]) }
    }

    @Test("A tag of the token is in the dataplane, with no other values than the token's")
    func tags() {
        let token = self.token(tags: ["kuma.io/service": ["web", "api"]])
        #expect(throws: TokenRefusal(.wrongTags, "")) { try token.check(mesh: "default", name: "a", tags: [:]) }
        #expect(throws: TokenRefusal(.wrongTags, "")) {
            try token.check(mesh: "default", name: "a", tags: ["kuma.io/service": ["web", "admin"]])
        }
        #expect(throws: Never.self) {
            try token.check(mesh: "default", name: "a", tags: ["kuma.io/service": ["web"], "version": ["1"]])
        }
    }
}

@Suite("Names of token keys")
struct TokenKeyNamesTests {
    @Test("A serial comes back from its name, and only from a name of the same purpose")
    func serials() {
        let zone = TokenKeyNames.Purpose.zoneTokens
        let mesh = TokenKeyNames.Purpose.dataplaneTokens(mesh: "demo")
        #expect(zone.signingKey(serial: 3) == "zone-token-signing-key-3")
        #expect(mesh.signingKey(serial: 1) == "dataplane-token-signing-key-demo-1")
        #expect(zone.serial(ofSigningKey: "zone-token-signing-key-3") == 3)
        #expect(mesh.serial(ofSigningKey: "dataplane-token-signing-key-demo-1") == 1)
        for name in ["zone-token-signing-key-03", "zone-token-signing-key--1", "zone-token-signing-key-", "zone-token-signing-key-0x1"] {
            #expect(zone.serial(ofSigningKey: name) == nil)
        }
        // The mesh demo-1 has its own keys.
        #expect(mesh.serial(ofSigningKey: "dataplane-token-signing-key-demo-1-1") == nil)
    }

    @Test("Revocations are ids with commas between them")
    func revocations() {
        #expect(TokenKeyNames.revokedIDs(" a,b ,\n c,,\t") == ["a", "b", "c"])
        #expect(TokenKeyNames.revokedIDs("") == [])
    }
}
