/// Header fields in the order they came, found by name in any case.
package struct HTTPHeaders: Hashable, Sendable {
    package var fields: [HTTPHeader]

    package init(_ fields: [HTTPHeader] = []) { self.fields = fields }

    /// The first value of a field.
    package subscript(_ name: String) -> String? {
        let wanted = name.lowercased()
        return self.fields.first { $0.name.lowercased() == wanted }?.value
    }
}

/// A complete answer.
package struct HTTPResponse: Hashable, Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: [UInt8]

    package init(status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package var isSuccess: Bool { (200..<300).contains(self.status) }

    package var text: String { String(decoding: self.body, as: UTF8.self) }
}
