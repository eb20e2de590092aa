private import FoundationEssentials
package import JSONModel

/// Cuts a byte stream into lines of JSON, wherever the network happened to cut it.
///
/// After an error the decoder stays broken: the stream has no position to resume at, so the watch is reopened.
package struct WatchLineDecoder: Sendable {
    /// etcd holds objects of 1.5 MB at most; managed fields and the event's wrapping stay far below this.
    package static let maxLineBytes = 16 << 20

    private var partial: [UInt8] = []
    private let maxLineBytes: Int

    package init(maxLineBytes: Int = WatchLineDecoder.maxLineBytes) { self.maxLineBytes = maxLineBytes }

    /// Whether the stream was cut in the middle of a line.
    package var hasPartialLine: Bool { !self.partial.isEmpty }

    /// The complete lines in what arrived so far, without the empty ones.
    package mutating func lines(appending bytes: some Collection<UInt8>) throws(GarbageInWatch) -> [JSON] {
        var values: [JSON] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            self.partial.append(contentsOf: rest[..<end])
            rest = rest[rest.index(after: end)...]
            let line = self.partial
            self.partial.removeAll(keepingCapacity: line.count < 64 << 10)
            guard line.contains(where: { $0 > UInt8(ascii: " ") }) else { continue }
            do {
                values.append(try JSON(parsing: Data(line)))
            } catch {
                throw GarbageInWatch("a line of \(line.count) bytes is \(error)")
            }
        }
        self.partial.append(contentsOf: rest)
        guard self.partial.count <= self.maxLineBytes else {
            throw GarbageInWatch("a line is longer than \(self.maxLineBytes) bytes")
        }
        return values
    }

    package mutating func events(appending bytes: some Collection<UInt8>) throws(GarbageInWatch) -> [WatchEvent] {
        var events: [WatchEvent] = []
        for line in try self.lines(appending: bytes) { events.append(try WatchEvent(line)) }
        return events
    }
}
