import ProxyHeader

/// An answer is final: prefixes ask for no more than there is, and what was read can be written and read again.
func fuzzProxyHeader(_ bytes: [UInt8]) {
    let outcome = ProxyHeader.parse(bytes.span)
    switch outcome {
    case .needMoreBytes(let atLeast): precondition(atLeast > bytes.count && atLeast <= ProxyHeader.maxBytes)
    case .refused(let problem): precondition(!problem.description.isEmpty)
    case .found(let header, let length):
        precondition((16...ProxyHeader.maxBytes).contains(length) && length <= bytes.count)
        for count in 0..<length {
            guard case .needMoreBytes(let atLeast) = ProxyHeader.parse(Array(bytes[..<count]).span) else {
                fatalError("prefix \(count) has an answer")
            }
            precondition(atLeast > count && atLeast <= length)
        }
        let written = header.bytes
        guard case .found(let again, written.count) = ProxyHeader.parse(written.span) else { fatalError("can't read what was written") }
        precondition(again.bytes == written && (again.addresses == nil) == (header.addresses == nil))
    }
}
