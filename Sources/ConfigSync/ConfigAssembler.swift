/// Puts messages together from the lines of a stream, and applies differences. Nothing leaves it that is not whole and has the
/// hash that it should have.
///
/// After an error the stream is of no use any more; the next one starts with `begin`.
package struct ConfigAssembler: Sendable {
    /// What the proxy has, which differences start from.
    package private(set) var current: ConfigText?

    private enum Header {
        case snapshot(StreamHeader.Snapshot)
        case difference(StreamHeader.Difference)
    }

    private struct Pending {
        var header: Header
        /// Lines to come.
        var missing: Int
        var whole = ConfigTextBuilder()
        var added: [UInt8] = []
        var bytes = 0
    }

    private var pending: Pending?
    private let maxBytes: Int

    /// - Parameter maxBytes: what a message may hold. The default has room for some 500,000 routes.
    package init(current: ConfigText? = nil, maxBytes: Int = 256 << 20) {
        self.current = current
        self.maxBytes = maxBytes
    }

    /// A new stream: what the last one left unfinished is forgotten.
    package mutating func begin() { self.pending = nil }

    /// Takes the next line, without its line feed. Gives the message that it completes.
    package mutating func received(_ line: [UInt8]) throws(InvalidMessage) -> StreamMessage? {
        guard var pending = self.pending.take() else { return try self.started(StreamHeader(line: line)) }
        pending.bytes += line.count + 1
        guard pending.bytes <= self.maxBytes else {
            throw InvalidMessage(reason: "a configuration of more than \(self.maxBytes) bytes")
        }
        pending.missing -= 1
        switch pending.header {
        case .snapshot: pending.whole.append(line[...])
        case .difference:
            pending.added += line
            pending.added.append(0x0A)
        }
        return try self.progressed(pending)
    }

    private mutating func started(_ header: StreamHeader) throws(InvalidMessage) -> StreamMessage? {
        switch header {
        case .ping: return .ping
        case .question(let question): return .question(question)
        case .snapshot(let snapshot):
            guard snapshot.items >= 0 else { throw InvalidMessage(reason: "a configuration of \(snapshot.items) items") }
            return try self.progressed(Pending(header: .snapshot(snapshot), missing: snapshot.items))
        case .difference(let difference):
            guard difference.items >= 0 else { throw InvalidMessage(reason: "a difference of \(difference.items) items") }
            guard difference.base == self.current?.hash else {
                throw InvalidMessage(reason: "a difference from \(difference.base.prefix(12)), which is not what this proxy has")
            }
            return try self.progressed(Pending(header: .difference(difference), missing: difference.items))
        }
    }

    private mutating func progressed(_ pending: consuming Pending) throws(InvalidMessage) -> StreamMessage? {
        if pending.missing > 0 {
            self.pending = pending
            return nil
        }
        let update: ConfigUpdate
        switch pending.header {
        case .snapshot(let header):
            let text = pending.whole.finish()
            guard text.hash == header.hash else {
                throw InvalidMessage(
                    reason: "a configuration whose hash is \(text.hash.prefix(12)) instead of \(header.hash.prefix(12))")
            }
            update = ConfigUpdate(text: text)
        case .difference(let header):
            let difference = ConfigDifference(
                base: header.base, hash: header.hash, edits: header.edits, added: pending.added.isEmpty ? [] : [pending.added])
            update = ConfigUpdate(text: try difference.applied(to: self.current ?? .empty), edits: header.edits)
        }
        self.current = update.text
        return .config(update)
    }
}
