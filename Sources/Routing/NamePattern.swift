package import ClientHello

/// What a route matches: `name`, `*.suffix` or `*`.
package enum NamePattern: Hashable, Sendable {
    case exact(ServerName)
    /// One or more labels in front of the suffix; the suffix itself is excluded.
    case suffix(ServerName)
    case any

    /// Throws a sentence's second half, such as `is an IP address, which a client never sends as a server name`.
    package init(_ text: String) throws(InvalidPattern) {
        do {
            if text == "*" {
                self = .any
            } else if text.hasPrefix("*.") {
                self = .suffix(try ServerName(String(text.dropFirst(2))))
            } else {
                self = .exact(try ServerName(text))
            }
        } catch {
            throw InvalidPattern(problem: Self.problem(error))
        }
    }

    private static func problem(_ refusal: HelloRefusal) -> String {
        switch refusal {
        case .emptyServerName: "is empty"
        case .serverNameTooLong: "is longer than 255 bytes"
        case .serverNameNotASCII: "is not ASCII; write international names in their xn-- form"
        case .ipLiteralServerName: "is an IP address, which a client never sends as a server name"
        default: "is no server name; write a name, *.suffix or *"
        }
    }
}

package struct InvalidPattern: Error, Hashable {
    package let problem: String
}
