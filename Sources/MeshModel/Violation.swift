/// One thing wrong with a resource: which field, and a sentence a person can act on.
///
/// Texts that Kuma 2.7 has are kept word for word, because users search for them.
package struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    /// A path in the resource as its author wrote it, such as `networking.port` or `mtls`.
    package let field: String
    package let message: String

    package init(field: String, message: String) {
        self.field = field
        self.message = message
    }

    package var description: String { self.field.isEmpty ? self.message : "\(self.field): \(self.message)" }
}

/// Everything wrong with one resource, at once, so that nobody mends it one apply at a time.
package struct InvalidResource: Error, Hashable, Sendable, CustomStringConvertible {
    package let violations: [Violation]

    package init(_ violations: [Violation]) { self.violations = violations }

    package var description: String { self.violations.map(\.description).joined(separator: "; ") }
}
