/// Cuts a byte stream, arriving in chunks of any size, into lines.
package struct LineFramer: Sendable {
    package struct LineTooLong: Error, Hashable, CustomStringConvertible {
        package let limit: Int
        package init(limit: Int) { self.limit = limit }
        package var description: String { "a line of the stream is longer than \(self.limit) bytes" }
    }

    private let maxLineBytes: Int
    private var pending: [UInt8] = []

    /// - Parameter maxLineBytes: what one line may hold: an item, or the edits of a difference.
    package init(maxLineBytes: Int = 64 << 20) { self.maxLineBytes = maxLineBytes }

    /// Takes the next chunk and gives the lines it completes, without their line feeds; empty lines are left out.
    package mutating func received(_ chunk: ArraySlice<UInt8>) throws(LineTooLong) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = chunk
        while let end = rest.firstIndex(of: 0x0A) {
            try self.take(rest[..<end])
            rest = rest[(end + 1)...]
            if self.pending.last == 0x0D { self.pending.removeLast() }
            if !self.pending.isEmpty { lines.append(self.pending) }
            self.pending = []
        }
        try self.take(rest)
        return lines
    }

    package mutating func received(_ chunk: [UInt8]) throws(LineTooLong) -> [[UInt8]] { try self.received(chunk[...]) }

    private mutating func take(_ part: ArraySlice<UInt8>) throws(LineTooLong) {
        guard self.pending.count + part.count <= self.maxLineBytes else { throw LineTooLong(limit: self.maxLineBytes) }
        self.pending.append(contentsOf: part)
    }
}
