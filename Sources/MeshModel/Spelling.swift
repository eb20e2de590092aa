/// What somebody probably meant.
package enum Spelling {
    /// `did you mean listeners?`; nil where nothing that is known is near.
    package static func hint(for word: String, _ known: some Sequence<String>) -> String? {
        Self.nearest(to: word, of: known.sorted()).map { "did you mean \($0)?" }
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
