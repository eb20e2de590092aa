/// The parts of an absolute http or https URL that we treat apart. Everything else is curl's to judge.
struct SplitURL: Hashable {
    var scheme: String
    /// With brackets for IPv6.
    var host: String
    var port: Int
    /// Host and port as written, without user and password.
    var authority: String
    /// Path and query, with the slash.
    var rest: String

    init?(_ url: String) {
        guard let colon = url.range(of: "://"), !url[..<colon.lowerBound].isEmpty else { return nil }
        self.scheme = url[..<colon.lowerBound].lowercased()
        let after = url[colon.upperBound...]
        let end = after.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? after.endIndex
        let authority = after[..<end].split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        self.authority = String(authority)
        self.rest = String(after[end...])
        let hostEnd = authority.hasPrefix("[") ? authority.firstIndex(of: "]").map(authority.index(after:)) : authority.firstIndex(of: ":")
        self.host = String(authority[..<(hostEnd ?? authority.endIndex)])
        let standard = self.scheme == "https" ? 443 : 80
        let portText = hostEnd.map { authority[$0...].drop { $0 == ":" } } ?? ""
        guard !self.host.isEmpty, let port = portText.isEmpty ? standard : Int(portText), (1...65535).contains(port) else { return nil }
        self.port = port
    }

    var isLoopback: Bool {
        if self.host.lowercased() == "localhost" || self.host == "[::1]" { return true }
        let parts = self.host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

extension String {
    fileprivate func range(of needle: String) -> Range<String.Index>? { self.ranges(of: needle).first }
}
