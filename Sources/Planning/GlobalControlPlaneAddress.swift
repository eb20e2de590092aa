package import MeshModel

/// Where the global control plane of a zone is.
package struct GlobalControlPlaneAddress: Hashable, Sendable {
    /// `https://global.example.com:5685`, without a trailing slash.
    package let url: String
    /// Spelled as in Kuma, `grpcs://`; Egret speaks HTTPS to the same host and port.
    package let isKumaSpelling: Bool
    /// On Kubernetes: the Secret of the system namespace with the zone's token under `token`.
    package var tokenSecret: String

    package static let defaultTokenSecret = "egret-global-token"
    package static let port = 5685

    package init(_ text: String, tokenSecret: String = Self.defaultTokenSecret) throws(Violation) {
        func wrong(_ message: String) -> Violation { Violation(field: "globalAddress", message: message) }
        var rest = text[...]
        if let scheme = text.firstRange(of: "://") {
            let name = text[..<scheme.lowerBound]
            rest = text[scheme.upperBound...]
            guard name == "https" || name == "grpcs" else { throw wrong("is \"\(text)\"; it has to begin with https://") }
            self.isKumaSpelling = name == "grpcs"
        } else {
            throw wrong("is \"\(text)\"; write https://HOST:\(Self.port)")
        }
        while rest.last == "/" { rest.removeLast() }
        guard !rest.isEmpty, rest.utf8.allSatisfy({ $0 > 32 && $0 < 127 }), !rest.contains(where: { "/?#@".contains($0) }) else {
            throw wrong("is \"\(text)\"; write https://HOST:\(Self.port), without a path")
        }
        // A port, unless it is a part of an address in brackets.
        let hasPort = (rest.firstIndex(of: "]").map { rest[$0...] } ?? rest).contains(":")
        self.url = "https://\(rest)\(hasPort ? "" : ":\(Self.port)")"
        self.tokenSecret = tokenSecret
    }
}
