import Crypto
import FoundationEssentials

/// A configuration as text: lines, each an item. What is hashed, sent, compared and kept on disk; whoever only passes it on
/// needs no idea of what the lines say.
package struct ConfigText: Sendable {
    /// Neighbours begin with different kinds of items.
    package let blocks: [ConfigBlock]
    /// Lower-case hex SHA-256 of the blocks' digests.
    package let hash: String

    package init(blocks: [ConfigBlock]) {
        self.blocks = blocks
        var hash = SHA256()
        for block in blocks { hash.update(data: block.digest) }
        self.hash = hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    package static let empty = ConfigText(blocks: [])

    package var itemCount: Int { self.blocks.reduce(0) { $0 + $1.count } }
    package var byteCount: Int { self.blocks.reduce(0) { $0 + $1.bytes.count } }
}

extension ConfigText: Hashable {
    package static func == (left: Self, right: Self) -> Bool { left.hash == right.hash }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.hash) }
}

/// Neighbouring lines of one kind. Tables that differ in a listener's address alone share the blocks of everything else, bytes
/// and digest, so that a thousand proxies of one shape cost little more than one.
package struct ConfigBlock: Sendable {
    /// The lines with their line feeds.
    package let bytes: [UInt8]
    /// Behind the line feed of each line.
    private let ends: [UInt32]
    /// SHA-256 of `bytes`.
    package let digest: [UInt8]

    fileprivate init(bytes: [UInt8], ends: [UInt32]) {
        self.bytes = bytes
        self.ends = ends
        self.digest = Array(SHA256.hash(data: bytes))
    }

    package var count: Int { self.ends.count }

    /// Where a line is in `bytes`, its line feed excluded.
    package func line(_ index: Int) -> Range<Int> { Int(index == 0 ? 0 : self.ends[index - 1])..<Int(self.ends[index]) - 1 }

    /// Where some lines are in `bytes`, line feeds included.
    func lines(_ range: Range<Int>) -> Range<Int> {
        if range.isEmpty { return 0..<0 }
        return self.line(range.lowerBound).lowerBound..<Int(self.ends[range.upperBound - 1])
    }

    /// What the items of this block are.
    var key: ArraySlice<UInt8> { Self.key(of: self.bytes[self.line(0)]) }

    /// `{"cluster":…` → `cluster`; nothing for a line of another form.
    static func key(of line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let quote = UInt8(ascii: "\"")
        guard line.count > 2, line.first == UInt8(ascii: "{"), line[line.startIndex + 1] == quote else { return [] }
        let name = line.dropFirst(2)
        return name.firstIndex(of: quote).map { name[..<$0] } ?? []
    }
}

extension ConfigBlock: Hashable {
    package static func == (left: Self, right: Self) -> Bool { left.digest == right.digest }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.digest) }
}

/// Lines of one kind, put together.
struct ConfigBlockBuilder {
    private var bytes: [UInt8] = []
    private var ends: [UInt32] = []

    mutating func reserve(bytes: Int, lines: Int) {
        self.bytes.reserveCapacity(bytes)
        self.ends.reserveCapacity(lines)
    }

    var isEmpty: Bool { self.ends.isEmpty }

    /// - Parameter line: without its line feed.
    mutating func append(_ line: some Collection<UInt8>) {
        self.bytes.append(contentsOf: line)
        self.bytes.append(0x0A)
        self.ends.append(UInt32(self.bytes.count))
    }

    mutating func append(_ block: ConfigBlock, line: Int) { self.append(block.bytes[block.line(line)]) }

    func finish() -> ConfigBlock { ConfigBlock(bytes: self.bytes, ends: self.ends) }
}

/// Lines of any kind, cut into blocks.
package struct ConfigTextBuilder: Sendable {
    private var blocks: [ConfigBlock] = []
    private var key: ArraySlice<UInt8> = []
    private var block = ConfigBlockBuilder()

    package init() {}

    /// - Parameter line: without its line feed.
    package mutating func append(_ line: ArraySlice<UInt8>) {
        let key = ConfigBlock.key(of: line)
        if key != self.key {
            self.close()
            self.key = ArraySlice(Array(key))
        }
        self.block.append(line)
    }

    package mutating func append(_ item: ConfigItem) {
        guard let line = try? JSONEncoder.canonical.encode(item) else { preconditionFailure("an item always encodes") }
        self.append(ArraySlice(Array(line)))
    }

    private mutating func close() {
        if !self.block.isEmpty { self.blocks.append(self.block.finish()) }
        self.block = ConfigBlockBuilder()
    }

    package consuming func finish() -> ConfigText {
        self.close()
        return ConfigText(blocks: self.blocks)
    }
}
