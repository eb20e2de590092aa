package import FoundationEssentials
import JSONModel
import MeshModel
package import Store
import Synchronization
package import Tokens

/// The keys that sign tokens, and the tokens that no longer count: secrets of the store under Kuma's names.
///
/// The highest serial signs, all that are there prove: a key is rotated by adding the next one and, when every token of the
/// old one is replaced, deleting that.
package struct TokenKeys: Sendable {
    package typealias Purpose = TokenKeyNames.Purpose

    private let store: ResourceStore
    private let cache = Cache()

    package init(_ store: ResourceStore) { self.store = store }

    /// What proves tokens of a purpose now. Keys that cannot be read prove nothing.
    package func verifier(_ purpose: Purpose) -> TokenVerifier {
        let keys = self.secrets(purpose).filter { purpose.serial(ofSigningKey: $0.id.name) != nil }
        let revocations = self.store[self.id(purpose.revocations, purpose)]
        let versions = (keys + [revocations].compactMap(\.self)).map(\.version)
        if let known = self.cache.entries.withLock({ $0[purpose] }), known.versions == versions { return known.verifier }
        let proving = keys.compactMap { secret -> VerificationKey? in
            guard let serial = purpose.serial(ofSigningKey: secret.id.name), let pem = Self.text(secret) else { return nil }
            return try? SigningKey(id: "\(serial)", pem: pem, what: secret.id.name).verificationKey
        }
        let verifier = TokenVerifier(keys: proving, revoked: TokenKeyNames.revokedIDs(revocations.flatMap(Self.text) ?? ""))
        self.cache.entries.withLock { $0[purpose] = (versions, verifier) }
        return verifier
    }

    /// Signs with the newest key, which is made where there is none.
    ///
    /// Kept apart from its callers: inlined into them, Swift 6.3.1's optimiser fails to split the coroutine.
    @inline(never) @_optimize(none)
    package func issue(_ claims: some TokenClaims, for purpose: Purpose, now: Date) async throws -> String {
        try await TokenIssuer.issue(claims, with: try self.signingKey(purpose, now: now))
    }

    /// Makes the first key where there is none.
    package func ensure(_ purpose: Purpose, now: Date) throws { _ = try self.signingKey(purpose, now: now) }

    private func signingKey(_ purpose: Purpose, now: Date) throws -> SigningKey {
        let newest = self.secrets(purpose).compactMap { secret in purpose.serial(ofSigningKey: secret.id.name).map { ($0, secret) } }
            .max { $0.0 < $1.0 }
        if let (serial, secret) = newest {
            guard let pem = Self.text(secret) else {
                throw TokenKeyError(description: "the secret \(secret.id.name) holds no text; write a key in PEM into it, in base64")
            }
            return try SigningKey(id: "\(serial)", pem: pem, what: "the secret \(secret.id.name)")
        }
        let key = try SigningKey(id: "1")
        let spec: JSON = ["data": .string(Data(key.pem.utf8).base64EncodedString())]
        do {
            try self.store.write {
                try $0.put(self.id(purpose.signingKey(serial: 1), purpose), spec: spec, now: now, expecting: .absent)
            }
            return key
        } catch let error as StoreError where error.reason == .exists {
            // Somebody was faster: theirs counts.
            return try self.signingKey(purpose, now: now)
        }
    }

    private func secrets(_ purpose: Purpose) -> [StoredResource] {
        let place = self.id("", purpose)
        return self.store.list(kind: place.kind).filter { $0.id.mesh == place.mesh }
    }

    private func id(_ name: String, _ purpose: Purpose) -> ResourceID {
        switch purpose {
        case .zoneTokens, .userTokens: ResourceID(kind: ResourceKind.globalSecret.name, name: name)
        case .dataplaneTokens(let mesh): ResourceID(kind: ResourceKind.secret.name, mesh: mesh, name: name)
        }
    }

    private static func text(_ secret: StoredResource) -> String? {
        secret.spec["data"]?.string.flatMap { Data(base64Encoded: $0) }.flatMap { String(validating: $0, as: UTF8.self) }
    }

    private final class Cache: Sendable {
        let entries = Mutex<[Purpose: (versions: [Int64], verifier: TokenVerifier)]>([:])
    }
}
