package import Routing

/// Host name → addresses, for endpoints that aren't literals.
package protocol NameResolver: Sendable {
    /// What is known and still valid, at once. Else nil, and `answer` is called later, once, on any thread.
    func resolve(_ name: String, _ answer: @escaping @Sendable (ResolvedName) -> Void) -> ResolvedName?

    /// What was known last, for people to look at. Asks nobody.
    func known(_ name: String) -> ResolvedName?
}

package struct ResolvedName: Hashable, Sendable {
    /// Ports are 0. Families take turns, IPv6 first, each in the order of the answer (RFC 8305 section 4). Empty: not
    /// resolved, see `problem`.
    package var addresses: [IPEndpoint]
    /// Why there is no address, or why those are old ones.
    package var problem: String?
    /// Ask again after this time.
    package var validFor: Duration

    package init(addresses: [IPEndpoint], problem: String? = nil, validFor: Duration) {
        self.addresses = addresses
        self.problem = problem
        self.validFor = validFor
    }

    /// Both families in turns, IPv6 first.
    package static func interleave(ipv4: [IPEndpoint], ipv6: [IPEndpoint]) -> [IPEndpoint] {
        var mixed: [IPEndpoint] = []
        mixed.reserveCapacity(ipv4.count + ipv6.count)
        for index in 0..<max(ipv4.count, ipv6.count) {
            if index < ipv6.count { mixed.append(ipv6[index]) }
            if index < ipv4.count { mixed.append(ipv4[index]) }
        }
        return mixed
    }
}
