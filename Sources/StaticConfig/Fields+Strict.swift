import MeshModel

extension Fields {
    /// Refuses members that are not of the format, naming the one that was probably meant.
    func only(_ known: String...) {
        for key in self.keys where !known.contains(key) {
            let near = Self.nearest(to: key, of: known)
            let hint = near.map { "did you mean \($0)?" } ?? "known here: \(known.joined(separator: ", "))"
            self.violate(key, "is not a known key; \(hint)")
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

    /// A time of more than nothing.
    func time(_ key: String) -> Duration? {
        guard let time = self.duration(key) else { return nil }
        if time > .zero { return time }
        self.violate(key, "has to be longer than nothing")
        return nil
    }

    /// Exactly one of the keys has to be there; the first one that is.
    func oneOf(_ keys: [String], purpose: String) -> String? {
        let given = keys.filter(self.has)
        if given.count == 1 { return given[0] }
        let choices = keys.joined(separator: " or ")
        self.violate("", given.isEmpty ? "needs \(choices), which \(purpose)" : "has \(given.joined(separator: " and ")); give one")
        return nil
    }

    private static func nearest(to word: String, of known: [String]) -> String? {
        let limit = max(1, word.count * 2 / 5)
        return known.map { ($0, self.distance(Array(word.lowercased().utf8), Array($0.lowercased().utf8))) }
            .filter { $0.1 <= limit }.min { $0.1 < $1.1 }?.0
    }

    /// Levenshtein's: how many bytes to insert, remove or replace.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        // Nobody means a key by a text this much longer; and the cost stays bounded, whatever is in the file.
        guard left.count <= 64 else { return .max }
        var row = Array(0...right.count)
        for (line, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in right.indices {
                let replaced = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
