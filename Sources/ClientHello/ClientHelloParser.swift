/// Finds the ClientHello in a client's first bytes, whatever segments and TLS records it comes in.
///
/// It starts over from the first byte on each call: the bytes stay in the socket (they are only peeked at), and reading
/// headers again is cheaper than keeping state for every waiting client. `needMoreBytes` says how many bytes there must
/// be before another call makes sense (all that is missing, were it to come in one record), so that a client sending byte by
/// byte, or records of one byte, doesn't make it quadratic.
package struct ClientHelloParser: ~Copyable {
    package enum Outcome: Hashable, Sendable {
        /// No answer before there are this many bytes in all; always more than there were, never above the limit.
        case needMoreBytes(atLeast: Int)
        /// `wireBytes` of the input were read for it.
        case found(ClientHello, wireBytes: Int)
        case refused(HelloRefusal)
    }

    /// What a hello begins with: the type of a handshake record.
    package static let firstByte: UInt8 = 22

    private let maxBytes: Int
    /// The handshake message, when it has to be joined from several records. Allocated once.
    private var joined: [UInt8] = []
    /// The name that the last hello was refused for, as it came, at most 255 bytes; empty where names are not the reason.
    private var refusedBytes: [UInt8] = []

    /// - parameter maxBytes: The most bytes to look at, record headers included.
    package init(maxBytes: Int = 16 * 1024) {
        self.maxBytes = maxBytes
    }

    /// The name that the last hello was refused for, in a form that is safe to log; nil where names are not the reason.
    package var refusedName: String? {
        self.refusedBytes.isEmpty ? nil : EscapedName.text(self.refusedBytes, maxBytes: ServerName.maxLength)
    }

    package mutating func parse(_ wire: Span<UInt8>) -> Outcome {
        var name: [UInt8] = []
        defer { self.refusedBytes = name }
        do {
            return try self.attempt(wire.extracting(0..<min(wire.count, self.maxBytes)), refusedName: &name)
        } catch {
            return .refused(error)
        }
    }

    /// Records around the handshake message (RFC 8446 section 5.1):
    ///
    ///     1   ContentType         22 = handshake
    ///     2   legacy_record_version  major 3, minor anything
    ///     2+n fragment            1 to 2^14 bytes of the message
    ///
    /// and the message's own header (section 4), which may itself be split:
    ///
    ///     1   HandshakeType       1 = client_hello
    ///     3   length
    private mutating func attempt(_ wire: Span<UInt8>, refusedName: inout [UInt8]) throws(HelloRefusal) -> Outcome {
        var position = 0
        var message: Range<Int>?
        // What the header says, as soon as it is there; and how much of the message is.
        var messageSize = 4
        var held = 0
        self.joined.removeAll(keepingCapacity: true)

        while true {
            if position == 0, let missing = try Self.judgeFirstBytes(wire) { return try self.needMore(missing) }
            if wire.count > position {
                guard wire[position] == Self.firstByte else { throw .malformed }
            }
            if wire.count > position + 1 {
                guard wire[position + 1] == 3 else { throw position == 0 ? .notTLS : .malformed }
            }
            guard wire.count >= position + 5 else { return try self.needMore(position + 5 + messageSize - held) }
            let size = Int(wire[position + 3]) << 8 | Int(wire[position + 4])
            guard size >= 1, size <= 1 << 14 else { throw .malformed }
            guard wire.count > position + 5 else { return try self.needMore(position + 5 + messageSize - held) }
            let fragment = position + 5..<min(wire.count, position + 5 + size)

            // A message in one record is read where it is.
            if let first = message {
                if self.joined.isEmpty { self.join(wire, first) }
                self.join(wire, fragment)
            } else {
                message = fragment
            }
            held = self.joined.isEmpty ? fragment.count : self.joined.count
            let isHello: Bool
            if self.joined.isEmpty {
                isHello = wire[fragment.lowerBound] == 1
                if held >= 4 { messageSize = Self.messageSize(wire, fragment.lowerBound) }
            } else {
                isHello = self.joined[0] == 1
                if held >= 4 { messageSize = Self.messageSize(self.joined.span, 0) }
            }
            guard isHello else { throw .malformed }
            guard messageSize <= self.maxBytes - 5 else { throw .tooLarge }

            if held >= messageSize, held >= 4 {
                let end = fragment.upperBound - (held - messageSize)
                // Nothing may stand behind a ClientHello in its record (section 5.1: no message follows it in plaintext).
                guard position + 5 + size == end else { throw .malformed }
                let hello =
                    self.joined.isEmpty
                    ? try ClientHello(
                        message: wire, body: fragment.lowerBound + 4..<fragment.lowerBound + messageSize,
                        refusedName: &refusedName)
                    : try ClientHello(message: self.joined.span, body: 4..<messageSize, refusedName: &refusedName)
                return .found(hello, wireBytes: end)
            }
            if fragment.count < size {
                // Inside a record. What doesn't fit into it comes in another, behind a header of its own.
                let rest = messageSize - held
                return try self.needMore(wire.count + rest + (rest <= size - fragment.count ? 0 : 5))
            }
            position += 5 + size
        }
    }

    private static func messageSize(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        4 + (Int(bytes[start + 1]) << 16 | Int(bytes[start + 2]) << 8 | Int(bytes[start + 3]))
    }

    private mutating func join(_ wire: Span<UInt8>, _ range: Range<Int>) {
        self.joined.reserveCapacity(self.maxBytes)
        for index in range { self.joined.append(wire[index]) }
    }

    private func needMore(_ count: Int) throws(HelloRefusal) -> Outcome {
        guard count <= self.maxBytes else { throw .tooLarge }
        return .needMoreBytes(atLeast: count)
    }
}

extension ClientHelloParser {
    /// Tells TLS from what else knocks on such a port. Returns how many bytes it takes to tell, where there are too few.
    private static func judgeFirstBytes(_ wire: Span<UInt8>) throws(HelloRefusal) -> Int? {
        guard wire.count > 0 else { return 1 }
        let first = wire[0]
        if first == Self.firstByte { return nil }
        if first & 0x80 != 0 {
            // SSL 2 (RFC 6101 appendix E.1): 2 bytes of length with the top bit set, then message type 1 and the version.
            guard wire.count >= 5 else { return wire.count < 3 || wire[2] == 1 ? 5 : try Self.refuseNotTLS() }
            throw wire[2] == 1 && (wire[3] == 3 || (wire[3] == 0 && wire[4] == 2)) ? .sslv2 : .notTLS
        }
        for method in Self.methods {
            let common = min(method.utf8CodeUnitCount, wire.count)
            var matches = true
            for index in 0..<common where method.utf8Start[index] != wire[index] { matches = false }
            guard matches else { continue }
            if common == method.utf8CodeUnitCount { throw .plaintextHTTP }
            return method.utf8CodeUnitCount
        }
        throw .notTLS
    }

    private static func refuseNotTLS() throws(HelloRefusal) -> Int? { throw .notTLS }

    /// Request lines of HTTP/1, and the preface of HTTP/2.
    private static var methods: [StaticString] {
        ["GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "PRI * HTTP/2"]
    }
}
