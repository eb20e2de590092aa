package import Testing

/// Asks again and again until a fact holds: for facts of other processes, which have nothing to await.
/// Within one process, await the fact itself.
///
/// - Parameters:
///   - fact: The sentence a failure prints.
///   - timeout: Generous; it is only ever spent by a failing test.
///   - read: Returns nil while the fact does not hold. Errors count as "not yet" and the last one is printed.
/// - Returns: What `read` found.
@discardableResult
package func eventually<Value: Sendable>(
    _ fact: String, timeout: Duration = .seconds(60), every interval: Duration = .milliseconds(100),
    sourceLocation: SourceLocation = #_sourceLocation, _ read: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + timeout
    var lastError: (any Error)?
    while true {
        do {
            if let value = try await read() { return value }
            lastError = nil
        } catch {
            lastError = error
        }
        if ContinuousClock.now >= deadline {
            let missed = MissedFact(fact: fact, timeout: timeout, lastError: lastError.map { "\($0)" })
            Issue.record("\(missed)", sourceLocation: sourceLocation)
            throw missed
        }
        try await Task.sleep(for: interval)
    }
}

package struct MissedFact: Error, CustomStringConvertible {
    package var fact: String
    package var timeout: Duration
    package var lastError: String?

    package var description: String {
        "did not happen within \(self.timeout): \(self.fact)" + (self.lastError.map { " (last error: \($0))" } ?? "")
    }
}
