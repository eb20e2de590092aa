/// Under which names signing keys and revocations are kept, as secrets of the store or of the system namespace. The names
/// are Kuma's.
package enum TokenKeyNames {
    /// What a signing key signs.
    package enum Purpose: Hashable, Sendable {
        case zoneTokens
        case dataplaneTokens(mesh: String)
        case userTokens

        private var stem: String {
            switch self {
            case .zoneTokens: "zone-token"
            case .dataplaneTokens: "dataplane-token"
            case .userTokens: "user-token"
            }
        }

        private var suffix: String {
            switch self {
            case .zoneTokens, .userTokens: ""
            case .dataplaneTokens(let mesh): "-\(mesh)"
            }
        }

        package var signingKeyStem: String { "\(self.stem)-signing-key\(self.suffix)-" }
        package var publicKeyStem: String { "\(self.stem)-signing-public-key\(self.suffix)-" }

        package var revocations: String { "\(self.stem)-revocations\(self.suffix)" }

        /// `zone-token-signing-key-2`
        package func signingKey(serial: Int) -> String { "\(self.signingKeyStem)\(serial)" }

        /// `zone-token-signing-public-key-2`: a key that only proves, whose private half is elsewhere.
        package func publicKey(serial: Int) -> String { "\(self.publicKeyStem)\(serial)" }

        /// The serial in the name of a signing key of this purpose; nil for any other name.
        package func serial(ofSigningKey name: String) -> Int? {
            Self.serial(name, self.signingKeyStem)
        }

        package func serial(ofPublicKey name: String) -> Int? {
            Self.serial(name, self.publicKeyStem)
        }

        /// Written as numbers are: no sign, no leading zero.
        private static func serial(_ name: String, _ prefix: String) -> Int? {
            guard name.hasPrefix(prefix), let serial = Int(name.dropFirst(prefix.count)), serial > 0 else { return nil }
            return name == "\(prefix)\(serial)" ? serial : nil
        }
    }

    /// Ids in the text of a revocation secret: separated by commas, blanks around them ignored.
    package static func revokedIDs(_ text: String) -> Set<String> {
        let blanks: Set<Character> = [" ", "\n", "\r", "\t", "\r\n"]
        return Set(
            text.split(separator: ",").map { part in
                var part = part[...]
                while let first = part.first, blanks.contains(first) { part.removeFirst() }
                while let last = part.last, blanks.contains(last) { part.removeLast() }
                return String(part)
            }.filter { !$0.isEmpty })
    }
}
