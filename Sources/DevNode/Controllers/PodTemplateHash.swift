import JSONModel
import KubeAPI

/// Names a pod template by its content: equal templates, equal names.
enum PodTemplateHash {
    // Kubernetes' alphabet for generated names: no vowels, so no words.
    private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)

    static func of(_ template: JSON) -> String { Self.short(template.text, length: 10) }

    /// FNV-1a in letters that may stand in a name.
    static func short(_ text: String, length: Int) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var letters: [UInt8] = []
        for _ in 0..<length {
            letters.append(Self.alphabet[Int(hash % UInt64(Self.alphabet.count))])
            hash /= UInt64(Self.alphabet.count)
        }
        return String(decoding: letters, as: UTF8.self)
    }
}
