/// Host name → addresses, for endpoints that aren't literals.
protocol NameResolver: Sendable {
    /// Answers later, on any thread, exactly once.
    func resolve(_ name: String, _ answer: @escaping @Sendable (ResolvedName) -> Void)
}

struct ResolvedName: Sendable {
    /// In the order to try; ports are 0. Empty: not resolved, see `problem`.
    var addresses: [IPEndpoint]
    var problem: String?
    var validFor: Duration
}
