package import JSONModel
package import Routing

/// Which machine a proxy is.
package enum ProxyType: String, CaseIterable, Codable, Hashable, Sendable {
    case egress, ingress, dataplane
}

/// Who asks for a config stream, and what it already serves.
package struct StreamRequest: Hashable, Sendable {
    package var proxyType: ProxyType
    /// `<pod>.<namespace>` on Kubernetes.
    package var name: String
    /// Empty for zone proxies, which serve every mesh of their zone.
    package var mesh: String
    /// Drawn by chance at the start of the process: two proxies of one name are told apart by it.
    package var instance: String
    /// The hash of the snapshot the proxy serves; it is not sent again.
    package var have: String?

    package init(proxyType: ProxyType, name: String, mesh: String, instance: String, have: String? = nil) {
        self.proxyType = proxyType
        self.name = name
        self.mesh = mesh
        self.instance = instance
        self.have = have
    }

    package static let path = "/v1/config"

    /// Path and query, ready for a request line.
    package var target: String {
        var items = [("proxyType", self.proxyType.rawValue), ("name", self.name), ("mesh", self.mesh), ("instance", self.instance)]
        if let have = self.have { items.append(("have", have)) }
        return Self.path + "?" + items.map { "\($0.0)=\(Self.escaped($0.1))" }.joined(separator: "&")
    }

    /// Percent-encodes everything but RFC 3986's unreserved characters.
    private static func escaped(_ value: String) -> String {
        var text = ""
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                text += hex.utf8.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return text
    }
}

/// What a proxy says about a snapshot after applying it: `POST /v1/acknowledgements`.
package struct Acknowledgement: Codable, Hashable, Sendable {
    package static let path = "/v1/acknowledgements"

    package var proxyType: ProxyType
    package var proxy: String
    /// Empty for zone proxies.
    package var mesh: String
    package var hash: String
    /// Items that are not served as planned. Everything else is.
    package var errors: [ItemError]
    /// By mesh.
    package var authorities: [String: AuthorityKeys]?

    package init(
        proxyType: ProxyType, proxy: String, mesh: String, hash: String, errors: [ItemError], authorities: [String: AuthorityKeys]? = nil
    ) {
        self.proxyType = proxyType
        self.proxy = proxy
        self.mesh = mesh
        self.hash = hash
        self.errors = errors
        self.authorities = authorities
    }
}

/// A proxy outside of Kubernetes brings its own resource: `POST /v1/registrations`, before it asks for a stream.
package struct Registration: Codable, Hashable, Sendable {
    package static let path = "/v1/registrations"

    package var proxyType: ProxyType
    package var name: String
    /// Empty for zone proxies.
    package var mesh: String
    /// Drawn by chance at the start of the process: two proxies of one name are told apart by it.
    package var instance: String
    /// The resource in the universal form.
    package var resource: JSON

    package init(proxyType: ProxyType, name: String, mesh: String, instance: String, resource: JSON) {
        self.proxyType = proxyType
        self.name = name
        self.mesh = mesh
        self.instance = instance
        self.resource = resource
    }
}

/// A certificate signing request: `POST /v1/certificates`.
package struct CertificateRequest: Codable, Hashable, Sendable {
    package static let path = "/v1/certificates"

    package var proxyType: ProxyType
    package var name: String
    package var mesh: String
    /// PEM.
    package var csr: String

    package init(proxyType: ProxyType, name: String, mesh: String, csr: String) {
        self.proxyType = proxyType
        self.name = name
        self.mesh = mesh
        self.csr = csr
    }
}

package struct CertificateReply: Codable, Hashable, Sendable {
    /// PEM, leaf first.
    package var chain: String

    package init(chain: String) { self.chain = chain }
}

/// How the control plane refuses (RFC 9457).
package struct ProblemDetails: Codable, Hashable, Sendable {
    package static let contentType = "application/problem+json"

    package var type: String
    package var title: String
    package var status: Int
    package var detail: String

    package init(type: String = "about:blank", title: String, status: Int, detail: String) {
        self.type = type
        self.title = title
        self.status = status
        self.detail = detail
    }
}
