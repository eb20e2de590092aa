/// Who a signing request was made by, as a name inside the request: `urn:egret:proxy:egress:zoneegress-1`. It binds the request
/// to its sender and never reaches a certificate.
package struct Holder: Hashable, Sendable {
    static let prefix = "urn:egret:proxy:"

    package let uri: String

    /// - Parameters:
    ///   - type: of the proxy: `egress`, `ingress`, `dataplane`.
    ///   - name: as the proxy gives it to the control plane.
    package init(type: String, name: String) { self.uri = "\(Self.prefix)\(type):\(Self.escaped(name))" }

    /// Percent-encodes everything but RFC 3986's unreserved characters.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default: escaped += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}
