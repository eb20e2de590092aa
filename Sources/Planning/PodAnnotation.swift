import MeshModel

/// Annotations of pods that list places and what is there: `10080=backend 127.0.0.2:10081=extsvc/api`.
enum PodAnnotation {
    struct Entry: Hashable {
        let place: Place
        let value: String
        /// As it was written.
        let text: String
    }

    /// `PORT`, `ADDRESS:PORT` or `[ADDRESS]:PORT`.
    struct Place: Hashable {
        let address: String?
        let port: UInt16

        init?(_ text: some StringProtocol) {
            guard let colon = text.lastIndex(of: ":") else {
                guard let port = PodAnnotation.port(text) else { return nil }
                self.address = nil
                self.port = port
                return
            }
            var address = String(text[..<colon])
            if address.hasPrefix("["), address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
            guard let port = PodAnnotation.port(text[text.index(after: colon)...]), Address.isIP(address) else { return nil }
            self.address = address
            self.port = port
        }
    }

    /// Entries stand apart by white space. What is none is named in a sentence.
    static func read(_ text: String) -> (entries: [Entry], problems: [String]) {
        var entries: [Entry] = []
        var problems: [String] = []
        for part in text.split(whereSeparator: \.isWhitespace) {
            // The destination may have signs of equality in its tags.
            if let equals = part.firstIndex(of: "="), let place = Place(part[..<equals]) {
                entries.append(Entry(place: place, value: String(part[part.index(after: equals)...]), text: String(part)))
            } else {
                problems.append("\"\(part)\" does not begin with PORT= or ADDRESS:PORT=.")
            }
        }
        return (entries, problems)
    }

    static func port(_ text: some StringProtocol) -> UInt16? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = UInt16(text), port > 0 else {
            return nil
        }
        return port
    }
}
