import MeshModel

/// Tells values apart, protects nothing.
enum Fingerprint {
    static func of(_ text: String) -> String { FNV1a.hex(FNV1a.hash(text)) }
    static func of(_ bytes: some Sequence<UInt8>) -> String { FNV1a.hex(FNV1a.hash(bytes)) }
}
