/// Names of the domain. Each is checked once, where it enters.
package protocol DomainName: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    var text: String { get }
    init(_ text: String) throws(Violation)
}

extension DomainName {
    package var description: String { self.text }
    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }

    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.text)
    }
}

/// A mesh: 1 to 63 of `a-z 0-9 - . _`. It is also the trust domain of the mesh's SPIFFE ids.
package struct MeshName: DomainName {
    package let text: String
    package static let `default` = MeshName(unchecked: "default")

    private init(unchecked text: String) { self.text = text }

    package init(_ text: String) throws(Violation) {
        guard !text.isEmpty else { throw Violation(field: "mesh", message: "cannot be empty") }
        guard text.utf8.count <= 63 else { throw Violation(field: "mesh", message: "cannot be longer than 63 characters") }
        guard text.utf8.allSatisfy(Characters.name) else {
            throw Violation(
                field: "mesh", message: "invalid characters: must consist of lower case alphanumeric characters, '-', '.' and '_'")
        }
        self.text = text
    }
}

/// A zone: 1 to 63 of `a-z 0-9 - . _`.
package struct ZoneName: DomainName {
    package let text: String

    package init(_ text: String) throws(Violation) {
        guard !text.isEmpty else { throw Violation(field: "zone", message: "cannot be empty") }
        guard text.utf8.count <= 63 else { throw Violation(field: "zone", message: "cannot be longer than 63 characters") }
        guard text.utf8.allSatisfy(Characters.name) else {
            throw Violation(
                field: "zone", message: "invalid characters: must consist of lower case alphanumeric characters, '-', '.' and '_'")
        }
        self.text = text
    }
}

/// The value of a `kuma.io/service` tag. It is the path of the service's SPIFFE id and the head of its SNI, so it has
/// no separator of either.
package struct ServiceName: DomainName {
    package let text: String
    package static let zoneEgress = ServiceName(unchecked: "zone-egress")

    private init(unchecked text: String) { self.text = text }

    package init(_ text: String) throws(Violation) {
        guard !text.isEmpty else { throw Violation(field: Tag.service, message: "tag value must be non-empty") }
        guard text.utf8.count <= 253 else { throw Violation(field: Tag.service, message: "cannot be longer than 253 characters") }
        guard text.utf8.allSatisfy(Characters.tagValue) else {
            throw Violation(field: Tag.service, message: "tag value must consist of alphanumeric characters, dots, dashes and underscores")
        }
        self.text = text
    }
}

/// Keys of the tags that mean something to Egret.
package enum Tag {
    package static let service = "kuma.io/service"
    package static let protocolName = "kuma.io/protocol"
    package static let zone = "kuma.io/zone"
    package static let namespace = "k8s.kuma.io/namespace"
    package static let serviceName = "k8s.kuma.io/service-name"
    package static let servicePort = "k8s.kuma.io/service-port"

    /// Set by control planes and tools, of what they know: `kuma.io/zone`, `k8s.kuma.io/namespace`, `app.kubernetes.io/name`. Callers
    /// choose among instances by others, such as `version`.
    package static func isOfPlatform(_ key: String) -> Bool {
        guard let slash = key.firstIndex(of: "/") else { return false }
        let domain = key[..<slash]
        return ["kuma.io", "kubernetes.io", "k8s.io", "helm.sh"].contains { domain == $0 || domain.hasSuffix(".\($0)") }
    }
}

enum Characters {
    static func name(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    static func tagValue(_ byte: UInt8) -> Bool {
        Self.name(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    /// Keys and values of the older policies' selectors.
    static func selector(_ byte: UInt8) -> Bool { Self.tagKey(byte) || byte == UInt8(ascii: ":") }

    /// Of a DNS label, without what ends it.
    static func label(_ byte: UInt8) -> Bool { Self.name(byte) && byte != UInt8(ascii: ".") && byte != UInt8(ascii: "_") }

    /// Tokens of RFC 9110 section 5.6.2, but capitals.
    static func headerName(_ byte: UInt8) -> Bool { Self.name(byte) || "!#$%&'*+^`|~".utf8.contains(byte) }

    static func tagKey(_ byte: UInt8) -> Bool { Self.tagValue(byte) || byte == UInt8(ascii: "/") }
}
