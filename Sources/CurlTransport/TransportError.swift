/// No answer, or half of one. Equality is on the code: sentences are for people.
package struct TransportError: Error, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// The URL, a header or a setting is not usable.
        case badRequest
        case nameNotResolved
        /// Nobody answered at the address, or a proxy on the way refused.
        case connectFailed
        /// The server's certificate was not believed, or is not for this name.
        case untrustedServer
        case tlsFailed
        /// The total time, or the silence of a stream, ran out.
        case timedOut
        /// The connection ended in mid-air or spoke no HTTP.
        case connectionLost
        case cancelled
        /// The transport was shut down.
        case closed
        /// libcurl's own trouble (memory, a feature it was built without).
        case failed
    }

    package let code: Code
    /// One sentence: what failed and where, never a header, a query or a body.
    package let message: String
    /// True when the request certainly never reached the server, so that sending it again cannot do anything twice.
    package let isSafeToRepeat: Bool

    package init(_ code: Code, _ message: String, isSafeToRepeat: Bool = false) {
        self.code = code
        self.message = message
        self.isSafeToRepeat = isSafeToRepeat
    }

    package var description: String { self.message }
}

extension TransportError: Hashable {
    package static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.code) }
}
