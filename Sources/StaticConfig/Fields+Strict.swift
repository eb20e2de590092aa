import MeshModel
import Routing

extension Fields {
    /// Refuses members that are not of the format, naming the one that was probably meant.
    func only(_ known: String...) {
        for key in self.keys where !known.contains(key) {
            self.violate(key, "is not a known key; \(Spelling.hint(for: key, known) ?? "known here: \(known.joined(separator: ", "))")")
        }
    }

    /// A text that has to be there.
    func required(_ key: String) -> String? {
        guard self.has(key) else {
            self.violate(key, "is missing")
            return nil
        }
        return self.nonEmpty(key)
    }

    func int(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let number = self.int(key) else { return nil }
        if range.contains(number) { return number }
        let words = range.upperBound == .max ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
        self.violate(key, "has to be \(words); is \(number)")
        return nil
    }

    /// A time of more than nothing, and not of somebody who means "never" in a unit of his own.
    func time(_ key: String) -> Duration? {
        guard let time = self.duration(key) else { return nil }
        if time > .zero, time <= .seconds(366 * 86400) { return time }
        self.violate(key, time > .zero ? "has to be a year at most" : "has to be longer than nothing")
        return nil
    }

    /// An IP address, and a host name too where that is `orName`.
    func address(_ key: String, orName: Bool = false) -> String? {
        guard let text = self.required(key) else { return nil }
        if IPEndpoint(address: text, port: 0) != nil || orName && Self.isHostName(text) { return text }
        let hint = text.contains(":") ? "; the port has a key of its own" : ""
        self.violate(key, "has to be an IP address\(orName ? " or a host name" : "")\(hint); is \"\(text.prefix(80))\"")
        return nil
    }

    /// RFC 1123 section 2.1, with the underscores that are found in practice; four numbers that are no address are no name either.
    private static func isHostName(_ text: String) -> Bool {
        let labels = (text.hasSuffix(".") ? text.dropLast() : text[...]).split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 254, let last = labels.last, !last.allSatisfy(\.isNumber) else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"),
                        UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
    }

    /// Exactly one of the keys has to be there; the first one that is.
    func oneOf(_ keys: [String], purpose: String) -> String? {
        let given = keys.filter(self.has)
        if given.count == 1 { return given[0] }
        let choices = keys.joined(separator: " or ")
        self.violate("", given.isEmpty ? "needs \(choices), which \(purpose)" : "has \(given.joined(separator: " and ")); give one")
        return nil
    }
}
