import FoundationEssentials

/// Base64 with the alphabet of URLs and without padding (RFC 7515, section 2).
enum Base64URL {
    static func encoded(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Nil for what is not in this form.
    static func decoded(_ part: some Collection<UInt8>) -> Data? {
        var text = String(decoding: part, as: UTF8.self).replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return Data(base64Encoded: text)
    }
}
