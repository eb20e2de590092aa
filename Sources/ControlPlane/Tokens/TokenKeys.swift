package import FoundationEssentials
package import Planning
import Synchronization
package import Tokens

/// The keys that sign tokens, the ones that prove them, and the tokens that no longer count.
///
/// Of the signing keys the highest serial signs, and all that are there prove: a key is rotated by adding the next one and,
/// when every token of the old one is replaced, deleting that. Keys that only prove come from secrets or from the settings.
package struct TokenKeys: Sendable {
    package typealias Purpose = TokenKeyNames.Purpose

    private let store: any TokenSecrets
    private let settings: @Sendable () -> TokenSettings
    private let cache = Cache()

    /// - Parameter settings: those in force, asked for anew each time.
    package init(_ store: any TokenSecrets, settings: @escaping @Sendable () -> TokenSettings = { TokenSettings() }) {
        self.store = store
        self.settings = settings
    }

    /// What proves tokens of a purpose now. Keys that cannot be read prove nothing.
    package func verifier(_ purpose: Purpose) -> TokenVerifier {
        let secrets = self.store.secrets(purpose).filter { secret in
            purpose.serial(ofSigningKey: secret.name) != nil || purpose.serial(ofPublicKey: secret.name) != nil
                || secret.name == purpose.revocations
        }
        let settings = self.settings()[purpose]
        let state = State(versions: secrets.map { "\($0.name) \($0.version)" }, settings: settings)
        if let known = self.cache.entries.withLock({ $0[purpose] }), known.state == state { return known.verifier }
        var keys = settings.publicKeys.compactMap { try? VerificationKey(id: $0.id, pem: $0.pem ?? "", what: $0.id) }
        if settings.usesSecrets { keys += secrets.compactMap { Self.proving($0, purpose) } }
        // Those of the global control plane count beside this one's.
        let revoked = secrets.filter { $0.name == purpose.revocations }.map { TokenKeyNames.revokedIDs($0.text ?? "") }
        let verifier = TokenVerifier(keys: keys, revoked: revoked.reduce(into: []) { $0.formUnion($1) })
        self.cache.entries.withLock { $0[purpose] = (state, verifier) }
        return verifier
    }

    private static func proving(_ secret: TokenSecret, _ purpose: Purpose) -> VerificationKey? {
        guard let text = secret.text else { return nil }
        if let serial = purpose.serial(ofSigningKey: secret.name) {
            return try? SigningKey(id: "\(serial)", pem: text, what: secret.name).verificationKey
        }
        return purpose.serial(ofPublicKey: secret.name).flatMap { try? VerificationKey(id: "\($0)", pem: text, what: secret.name) }
    }

    /// The newest key, which is made where there is none.
    package func signingKey(_ purpose: Purpose, now: Date) async throws -> SigningKey {
        guard self.settings()[purpose].isIssuer else {
            throw TokenKeyError(
                description: "this control plane issues no such tokens (enableIssuer is false); sign one with --signing-key-path and --kid")
        }
        let newest = self.store.secrets(purpose).compactMap { secret in purpose.serial(ofSigningKey: secret.name).map { ($0, secret) } }
            .max { $0.0 < $1.0 }
        if let (serial, secret) = newest {
            guard let pem = secret.text else {
                throw TokenKeyError(description: "the secret \(secret.name) holds no text; write a key in PEM into it, in base64")
            }
            return try SigningKey(id: "\(serial)", pem: pem, what: "the secret \(secret.name)")
        }
        let name = purpose.signingKey(serial: 1)
        let pem = try await self.store.create(name, text: SigningKey(id: "1").pem, for: purpose, now: now)
        return try SigningKey(id: "1", pem: pem, what: "the secret \(name)")
    }

    private struct State: Equatable {
        var versions: [String]
        var settings: TokenSettings.Kind
    }

    private final class Cache: Sendable {
        let entries = Mutex<[Purpose: (state: State, verifier: TokenVerifier)]>([:])
    }
}

extension TokenSettings {
    /// What counts for the tokens of a purpose: keys of dataplane tokens are those of its mesh.
    subscript(_ purpose: TokenKeyNames.Purpose) -> Kind {
        switch purpose {
        case .zoneTokens: return self.zone
        case .userTokens: return self.user
        case .dataplaneTokens(let mesh):
            var kind = self.dataplane
            kind.publicKeys = kind.publicKeys.filter { $0.mesh == mesh }
            return kind
        }
    }
}
