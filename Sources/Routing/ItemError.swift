/// One item of a configuration that can't be served. The rest of the configuration is.
package struct ItemError: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    /// Kind and name: `listener egress`, `route ExternalService/httpbin`, `cluster default:httpbin`.
    package var item: String
    /// One sentence: what is wrong and how to mend it.
    package var message: String

    package init(item: String, message: String) {
        self.item = item
        self.message = message
    }

    package var description: String { "\(self.item): \(self.message)" }
}
