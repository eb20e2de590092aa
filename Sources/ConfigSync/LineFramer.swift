package import FoundationEssentials

/// Cuts a byte stream, arriving in chunks of any size, into lines.
package struct LineFramer: Sendable {
    package struct LineTooLong: Error, Hashable, CustomStringConvertible {
        package let limit: Int
        package init(limit: Int) { self.limit = limit }
        package var description: String { "a line of the stream is longer than \(self.limit) bytes" }
    }

    private let maxLineBytes: Int
    private var pending = Data()

    /// - Parameter maxLineBytes: what one line may hold. The default has room for some 100,000 routes.
    package init(maxLineBytes: Int = 64 << 20) { self.maxLineBytes = maxLineBytes }

    /// Takes the next chunk and gives the lines it completes, without their line feeds; empty lines are left out.
    package mutating func received(_ chunk: some Collection<UInt8>) throws(LineTooLong) -> [Data] {
        var lines: [Data] = []
        var rest = chunk[...]
        while let end = rest.firstIndex(of: 0x0A) {
            try self.take(rest[..<end])
            rest = rest[rest.index(after: end)...]
            if self.pending.last == 0x0D { self.pending.removeLast() }
            if !self.pending.isEmpty { lines.append(self.pending) }
            self.pending = Data()
        }
        try self.take(rest)
        return lines
    }

    private mutating func take(_ part: some Collection<UInt8>) throws(LineTooLong) {
        guard self.pending.count + part.count <= self.maxLineBytes else { throw LineTooLong(limit: self.maxLineBytes) }
        self.pending.append(contentsOf: part)
    }
}
