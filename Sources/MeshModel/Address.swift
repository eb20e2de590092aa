/// What an `address` field may hold: an IP literal or a DNS name.
package enum Address {
    package static func isValid(_ text: String) -> Bool { self.isIP(text) || self.isDomainName(text) }

    package static func isIP(_ text: String) -> Bool { self.isIPv4(text) || self.isIPv6(text) }

    package static func isIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) } && Int(part)! <= 255
                    && (part.count == 1 || part.first != "0")
            }
    }

    /// RFC 4291 section 2.2: up to eight groups of hex digits, one `::`, perhaps an IPv4 tail.
    package static func isIPv6(_ text: String) -> Bool {
        guard text.contains(":"), !text.contains(":::") else { return false }
        let halves = Self.split(text)
        guard halves.count <= 2 else { return false }
        var groups = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (position, part) in parts.enumerated() {
                if part.contains(".") {
                    guard index == halves.count - 1, position == parts.count - 1, Self.isIPv4(String(part)) else { return false }
                    groups += 2
                } else {
                    guard (1...4).contains(part.utf8.count), part.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return false }
                    groups += 1
                }
            }
        }
        return halves.count == 2 ? groups <= 7 : groups == 8
    }

    /// The text before and after each `::`.
    private static func split(_ text: String) -> [Substring] {
        var halves: [Substring] = []
        var start = text.startIndex
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" {
                halves.append(text[start..<index])
                start = text.index(after: next)
                index = start
            } else {
                index = next
            }
        }
        halves.append(text[start...])
        return halves
    }

    /// RFC 1123 labels, underscores allowed as resolvers allow them, at most 253 characters.
    package static func isDomainName(_ text: String) -> Bool {
        let name = text.hasSuffix(".") ? text.dropLast() : text[...]
        guard !name.isEmpty, name.utf8.count <= 253 else { return false }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let wellFormed = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { Characters.tagValue($0) && $0 != UInt8(ascii: ".") }
        }
        // A last label of digits only would be a broken IPv4 address.
        return wellFormed && !(labels.last?.allSatisfy(\.isNumber) ?? true)
    }

    /// `host:port` or `[v6]:port`.
    package static func splitPort(_ text: String) -> (host: String, port: String)? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() } else if host.contains(":") { return nil }
        return (String(host), String(text[text.index(after: colon)...]))
    }
}
