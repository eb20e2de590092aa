/// What turns one configuration into another.
package struct ConfigDifference: Hashable, Sendable {
    /// The hashes before and after.
    package var base: String
    package var hash: String
    package var edits: [ConfigEdit]
    /// The lines that `edits` add, with their line feeds, in pieces that other differences may share.
    package var added: [[UInt8]]

    package init(base: String, hash: String, edits: [ConfigEdit], added: [[UInt8]]) {
        self.base = base
        self.hash = hash
        self.edits = edits
        self.added = added
    }

    /// - Parameter cache: remembers the differences of blocks, which proxies of one shape share.
    package init(from old: ConfigText, to new: ConfigText, cache: inout DifferenceCache) {
        self.init(base: old.hash, hash: new.hash, edits: [], added: [])
        var position = 0
        for block in new.blocks {
            // Blocks come in one order: what is passed over here has no counterpart behind.
            if let match = old.blocks[position...].firstIndex(where: { $0.key == block.key }) {
                for gone in old.blocks[position..<match] { self.take(LineDifference(dropping: gone)) }
                self.take(cache.difference(from: old.blocks[match], to: block))
                position = match + 1
            } else {
                self.take(LineDifference(adding: block))
            }
        }
        for gone in old.blocks[position...] { self.take(LineDifference(dropping: gone)) }
    }

    package init(from old: ConfigText, to new: ConfigText) {
        var cache = DifferenceCache()
        self.init(from: old, to: new, cache: &cache)
    }

    private mutating func take(_ difference: LineDifference) {
        for edit in difference.edits { self.edits.take(edit) }
        if !difference.added.isEmpty { self.added.append(difference.added) }
    }

    package var addedCount: Int { self.edits.reduce(0) { if case .add(let count) = $1 { $0 + count } else { $0 } } }

    /// The configuration after.
    package func applied(to text: ConfigText) throws(InvalidMessage) -> ConfigText {
        guard text.hash == self.base else {
            throw InvalidMessage(reason: "a difference from \(self.base.prefix(12)), which is not what this proxy has")
        }
        var builder = ConfigTextBuilder()
        var old = Lines(text.blocks.map { ($0, $0.count) })
        var new = AddedLines(self.added)
        for edit in self.edits {
            switch edit {
            case .keep(let count):
                for _ in 0..<count {
                    guard let line = old.next() else { throw Self.pastTheEnd }
                    builder.append(line)
                }
            case .drop(let count):
                guard old.skip(count) else { throw Self.pastTheEnd }
            case .add(let count):
                for _ in 0..<count {
                    guard let line = new.next() else { throw InvalidMessage(reason: "a difference without the lines it adds") }
                    builder.append(line)
                }
            }
        }
        guard old.next() == nil, new.next() == nil else { throw InvalidMessage(reason: "a difference that says nothing of some lines") }
        let result = builder.finish()
        guard result.hash == self.hash else {
            throw InvalidMessage(reason: "a difference that leads to \(result.hash.prefix(12)) instead of \(self.hash.prefix(12))")
        }
        return result
    }

    private static var pastTheEnd: InvalidMessage { InvalidMessage(reason: "a difference that goes past the end") }

    /// The lines of a text, one by one.
    private struct Lines {
        private let blocks: [(block: ConfigBlock, count: Int)]
        private var block = 0
        private var line = 0

        init(_ blocks: [(ConfigBlock, Int)]) { self.blocks = blocks }

        mutating func next() -> ArraySlice<UInt8>? {
            while self.block < self.blocks.count, self.line == self.blocks[self.block].count {
                self.block += 1
                self.line = 0
            }
            guard self.block < self.blocks.count else { return nil }
            defer { self.line += 1 }
            let block = self.blocks[self.block].block
            return block.bytes[block.line(self.line)]
        }

        /// False where there are not as many.
        mutating func skip(_ count: Int) -> Bool {
            for _ in 0..<count where self.next() == nil { return false }
            return true
        }
    }

    /// Lines with line feeds, one by one.
    private struct AddedLines {
        private let pieces: [[UInt8]]
        private var piece = 0
        private var position = 0

        init(_ pieces: [[UInt8]]) { self.pieces = pieces }

        mutating func next() -> ArraySlice<UInt8>? {
            while self.piece < self.pieces.count, self.position == self.pieces[self.piece].count {
                self.piece += 1
                self.position = 0
            }
            guard self.piece < self.pieces.count else { return nil }
            let rest = self.pieces[self.piece][self.position...]
            let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
            self.position = min(end + 1, rest.endIndex)
            return rest[..<end]
        }
    }
}

/// Differences of blocks that are asked for again and again: a change of a table that a thousand proxies share is compared once.
package struct DifferenceCache: Sendable {
    private struct Pair: Hashable {
        var old: ConfigBlock
        var new: ConfigBlock
    }

    private var known: [Pair: LineDifference] = [:]
    private let limit: Int

    package init(limit: Int = 1024) { self.limit = limit }

    mutating func difference(from old: ConfigBlock, to new: ConfigBlock) -> LineDifference {
        if old == new { return LineDifference(from: old, to: new) }
        let pair = Pair(old: old, new: new)
        if let known = self.known[pair] { return known }
        let difference = LineDifference(from: old, to: new)
        if self.known.count >= self.limit { self.known = [:] }
        self.known[pair] = difference
        return difference
    }

    /// Gives back what it holds.
    package mutating func clear() { self.known = [:] }
}
