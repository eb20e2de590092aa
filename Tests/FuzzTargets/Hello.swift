import ClientHello

/// Whatever the bytes, an answer that is final stays the answer: for the same bytes, behind fewer and in other records.
func fuzzHello(_ bytes: [UInt8]) {
    var parser = ClientHelloParser()
    let outcome = parser.parse(bytes.span)
    let refusedName = parser.refusedName
    precondition(parser.parse(bytes.span) == outcome && parser.refusedName == refusedName, "not the same again")
    switch outcome {
    case .needMoreBytes(let atLeast): precondition(atLeast > bytes.count && atLeast <= 16 * 1024, "wants \(atLeast)")
    case .refused:
        if let refusedName {
            precondition(refusedName.utf8.count <= 255 && refusedName.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "unsafe to log")
        }
    case .found(let hello, let wireBytes):
        precondition(wireBytes <= bytes.count)
        precondition(refusedName == nil)
        check(hello.serverName)
        // What is behind the hello doesn't matter.
        precondition(parser.parse(Array(bytes[..<wireBytes]).span) == outcome, "bytes behind the hello changed it")
        // Nor does where it is cut: every prefix asks for more, and for no more than there is.
        for count in stride(from: 0, to: wireBytes, by: max(1, wireBytes / 10)) {
            guard case .needMoreBytes(let atLeast) = parser.parse(Array(bytes[..<count]).span) else {
                fatalError("prefix \(count) has an answer")
            }
            precondition(atLeast > count && atLeast <= wireBytes, "prefix \(count) of \(wireBytes) wants \(atLeast)")
        }
        // Nor how it is spread over records.
        let message = handshakeBytes(bytes[..<wireBytes])
        var large = ClientHelloParser(maxBytes: 1 << 20)
        for size in message.count < 500 ? [1, 7, 1 << 14] : [50, 1 << 14] {
            var wire: [UInt8] = []
            for start in stride(from: 0, to: message.count, by: size) {
                let part = message[start..<min(message.count, start + size)]
                wire += [22, 3, UInt8(start & 255), UInt8(part.count >> 8), UInt8(part.count & 255)] + part
            }
            precondition(large.parse(wire.span) == .found(hello, wireBytes: wire.count), "other records, another hello")
        }
    }
}

private func check(_ name: ServerName) {
    let text = name.description
    precondition((1...255).contains(text.utf8.count) && !text.hasSuffix(".") && !text.utf8.contains { (65...90).contains($0) }, text)
    precondition((try? ServerName(text)) == name && (try? ServerName(text.uppercased())) == name, "\(text) is not itself")
}

/// Without the records' headers.
private func handshakeBytes(_ wire: ArraySlice<UInt8>) -> [UInt8] {
    var message: [UInt8] = []
    var position = wire.startIndex
    while position + 5 <= wire.endIndex {
        let end = position + 5 + (Int(wire[position + 3]) << 8 | Int(wire[position + 4]))
        message += wire[position + 5..<end]
        position = end
    }
    return message
}
