private import FoundationEssentials
package import JSONModel

/// Cuts a byte stream into lines of JSON, wherever the network happened to cut it.
///
/// After an error the decoder stays broken: the stream has no position to resume at, so the watch is reopened.
package struct WatchLineDecoder: Sendable {
    /// etcd holds objects of 1.5 MB at most; managed fields and the event's wrapping stay far below this.
    package static let maxLineBytes = 16 << 20

    private var bytes: [UInt8] = []
    /// Where the next line starts in `bytes`, and up to where it was searched for its end.
    private var start = 0
    private var searched = 0
    private let maxLineBytes: Int

    package init(maxLineBytes: Int = WatchLineDecoder.maxLineBytes) { self.maxLineBytes = maxLineBytes }

    /// Whether something is left that is not a whole line: at the end of a stream, that it was cut within one.
    package var hasPartialLine: Bool { self.bytes[self.start...].contains { $0 > UInt8(ascii: " ") } }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        if self.start > 0 {
            self.bytes.removeSubrange(..<self.start)
            self.searched -= self.start
            self.start = 0
        }
        self.bytes.append(contentsOf: bytes)
    }

    /// The next whole line that is not empty; nil when more bytes are needed.
    package mutating func nextLine() throws(GarbageInWatch) -> JSON? {
        while let end = self.bytes[self.searched...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = self.bytes[self.start..<end]
            self.start = end + 1
            self.searched = self.start
            guard line.contains(where: { $0 > UInt8(ascii: " ") }) else { continue }
            do {
                return try JSON(parsing: Data(line))
            } catch {
                throw GarbageInWatch("a line of \(line.count) bytes is \(error)")
            }
        }
        self.searched = self.bytes.count
        guard self.bytes.count - self.start <= self.maxLineBytes else {
            throw GarbageInWatch("a line is longer than \(self.maxLineBytes) bytes")
        }
        return nil
    }

    /// The next event; nil when more bytes are needed.
    package mutating func next() throws(GarbageInWatch) -> WatchEvent? {
        guard let line = try self.nextLine() else { return nil }
        return try WatchEvent(line)
    }
}
