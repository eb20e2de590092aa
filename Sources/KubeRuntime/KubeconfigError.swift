/// One sentence: what is wrong, where, and how to mend it. Never a secret.
package struct KubeconfigError: Error, Hashable, Sendable, CustomStringConvertible {
    package let message: String

    package init(_ message: String) { self.message = message }

    package var description: String { self.message }
}
