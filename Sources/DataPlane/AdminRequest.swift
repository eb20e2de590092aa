import NIOHTTP1

/// What matters of a request to the admin server.
struct AdminRequest: Sendable {
    var method = "GET"
    /// Without the query.
    var path: String
    var query: [String: String] = [:]
    /// Whether both ends of the connection are on loopback.
    var isLocal = true
    var host: String? = "127.0.0.1"
    /// Which web page sent it, if a browser says so.
    var origin: String?
    var isCrossSite = false

    init(_ method: String = "GET", path: String) {
        self.method = method
        self.path = path
    }

    init(_ head: HTTPRequestHead, isLocal: Bool) {
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.init(head.method.rawValue, path: String(parts.first ?? ""))
        for pair in (parts.dropFirst().first ?? "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            self.query[String(sides[0])] = String(sides.dropFirst().first ?? "")
        }
        self.isLocal = isLocal
        self.host = head.headers.first(name: "host")
        self.origin = head.headers.first(name: "origin")
        self.isCrossSite = head.headers.first(name: "sec-fetch-site").map { $0 != "same-origin" && $0 != "none" } ?? false
    }

    /// Why a browser's page somewhere else may be behind the request; nil if none can be.
    ///
    /// A page of another site can have a name of its own resolve to 127.0.0.1 (then the host is that name), or post a form to
    /// 127.0.0.1 (then the origin is that site). Tools such as curl send an address or localhost, and no origin.
    var suspicion: String? {
        if let host = self.host, !Self.isAddressOrLocalhost(host) {
            return "the host \"\(host)\" is neither an IP address nor localhost"
        }
        if self.isCrossSite { return "another site's page sent it" }
        if let origin = self.origin, origin != "http://\(self.host ?? "")" { return "the page of \(origin) sent it" }
        return nil
    }

    /// With or without a port.
    private static func isAddressOrLocalhost(_ host: String) -> Bool {
        var name = host[...]
        if name.hasPrefix("[") {
            guard let end = name.firstIndex(of: "]") else { return false }
            return name[name.index(after: name.startIndex)..<end].allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        }
        if let colon = name.firstIndex(of: ":") { name = name[..<colon] }
        if name.lowercased() == "localhost" { return true }
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers.allSatisfy { UInt8($0) != nil }
    }
}
