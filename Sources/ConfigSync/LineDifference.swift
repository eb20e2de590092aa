/// The steps from one block to another, and the lines that are new.
///
/// Lines that are the same at both ends stay. In between, of the lines that are in both, the longest series that is in the same
/// order in both stays; a line that moved is dropped and added. Time n log n.
struct LineDifference: Hashable, Sendable {
    private(set) var edits: [ConfigEdit] = []
    /// With their line feeds.
    private(set) var added: [UInt8] = []

    private struct Line: Hashable {
        let bytes: ArraySlice<UInt8>

        func hash(into hasher: inout Hasher) { self.bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }
    }

    init(from old: ConfigBlock, to new: ConfigBlock) {
        if old == new {
            self.edits.take(.keep(new.count))
            return
        }
        func isSame(_ left: Int, _ right: Int) -> Bool { old.bytes[old.line(left)] == new.bytes[new.line(right)] }
        let shorter = min(old.count, new.count)
        var head = 0
        while head < shorter, isSame(head, head) { head += 1 }
        var tail = 0
        while tail < shorter - head, isSame(old.count - 1 - tail, new.count - 1 - tail) { tail += 1 }

        self.edits.take(.keep(head))
        var position = head
        for (index, place) in Self.places(of: head..<new.count - tail, of: new, in: head..<old.count - tail, of: old) {
            if let place {
                self.edits.take(.drop(place - position))
                self.edits.take(.keep(1))
                position = place + 1
            } else {
                self.edits.take(.add(1))
                self.added.append(contentsOf: new.bytes[new.lines(index..<index + 1)])
            }
        }
        self.edits.take(.drop(old.count - tail - position))
        self.edits.take(.keep(tail))
    }

    /// All lines of a block.
    init(adding block: ConfigBlock) {
        self.edits.take(.add(block.count))
        self.added = block.bytes
    }

    init(dropping block: ConfigBlock) { self.edits.take(.drop(block.count)) }

    /// For each line of `new` its line of `old`, rising; nil where it is added.
    private static func places(
        of newLines: Range<Int>, of new: ConfigBlock, in oldLines: Range<Int>, of old: ConfigBlock
    ) -> [(index: Int, place: Int?)] {
        var found: [(index: Int, place: Int?)] = newLines.map { ($0, nil) }
        if newLines.isEmpty || oldLines.isEmpty { return found }
        // A line that is there twice is not worth the trouble.
        var places: [Line: Int?] = [:]
        for place in oldLines {
            let line = Line(bytes: old.bytes[old.line(place)])
            places[line] = .some(places[line] == nil ? place : nil)
        }
        // The longest rising series (patience): `ends[n]` is where the best series of n + 1 members ends.
        var ends: [Int] = []
        var before = [Int](repeating: -1, count: found.count)
        var candidates = [Int](repeating: -1, count: found.count)
        for position in found.indices {
            guard let place = places[Line(bytes: new.bytes[new.line(found[position].index)])] ?? nil else { continue }
            candidates[position] = place
            var low = 0
            var high = ends.count
            while low < high {
                let middle = (low + high) / 2
                if candidates[ends[middle]] < place { low = middle + 1 } else { high = middle }
            }
            if low > 0 { before[position] = ends[low - 1] }
            if low == ends.count { ends.append(position) } else { ends[low] = position }
        }
        var position = ends.last ?? -1
        while position >= 0 {
            found[position].place = candidates[position]
            position = before[position]
        }
        return found
    }
}
