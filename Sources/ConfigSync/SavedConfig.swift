import FoundationEssentials

/// What a proxy keeps for its next start, as files hold it: a line that says whose it is, and the configuration as the stream
/// would bring it whole.
///
/// ```
/// {"egret-dp":{"format":1,"mesh":"","name":"egress-1","proxyType":"egress"}}
/// {"snapshot":{"hash":H,"items":2}}
/// {"listener":{…}}
/// {"cluster":{…}}
/// ```
package enum SavedConfig {
    /// Whose state it is. Another proxy's is of no use.
    package struct Owner: Codable, Hashable, Sendable {
        package var format = 1
        package var proxyType: ProxyType
        package var name: String
        package var mesh: String

        package init(proxyType: ProxyType, name: String, mesh: String) {
            self.proxyType = proxyType
            self.name = name
            self.mesh = mesh
        }

        /// - Throws: why a file of `other` does not count.
        package func check(_ other: Owner) throws(Unusable) {
            guard other.format == self.format else {
                throw Unusable(reason: "has the format \(other.format), this program writes \(self.format)")
            }
            guard other == self else {
                throw Unusable(
                    reason: "is of the \(other.proxyType.rawValue) proxy \(other.name), this is \(self.proxyType.rawValue) \(self.name)")
            }
        }
    }

    private struct Heading: Codable {
        var owner: Owner
        private enum CodingKeys: String, CodingKey { case owner = "egret-dp" }
    }

    package struct Unusable: Error, Hashable, CustomStringConvertible {
        /// Continues a sentence that begins with the file.
        package let reason: String
        package init(reason: String) { self.reason = reason }
        package var description: String { self.reason }
    }

    /// To be written one after the other.
    package static func parts(_ text: ConfigText, owner: Owner) -> [[UInt8]] {
        guard let heading = try? JSONEncoder.canonical.encode(Heading(owner: owner)) else {
            preconditionFailure("a heading always encodes")
        }
        return [Array(heading) + [0x0A]] + OutgoingConfig(whole: text).parts
    }

    package static func read(_ bytes: [UInt8], owner: Owner) throws(Unusable) -> ConfigText {
        var framer = LineFramer(maxLineBytes: max(1, bytes.count))
        guard let lines = try? framer.received(bytes), let first = lines.first,
            let heading = try? JSONDecoder().decode(Heading.self, from: Data(first))
        else { throw Unusable(reason: "is damaged: it does not begin as this program writes it") }
        try owner.check(heading.owner)
        var assembler = ConfigAssembler(maxBytes: max(1, bytes.count))
        var found: ConfigText?
        for line in lines.dropFirst() {
            let message: StreamMessage?
            do {
                message = try assembler.received(line)
            } catch {
                throw Unusable(reason: "is damaged: it holds \(error.reason)")
            }
            if case .config(let update)? = message { found = update.text }
        }
        guard let found else { throw Unusable(reason: "is damaged: it ends too early") }
        return found
    }
}

extension ConfigText {
    /// Without the clusters that carry a private key of their own, which only terminated routes use.
    package var withoutKeys: ConfigText {
        let mark = Array("\"clientCertificate\":{".utf8)
        guard self.blocks.contains(where: { Self.has(mark, $0.bytes[...]) }) else { return self }
        var builder = ConfigTextBuilder()
        for block in self.blocks {
            for index in 0..<block.count {
                let line = block.bytes[block.line(index)]
                if !Self.has(mark, line) { builder.append(line) }
            }
        }
        return builder.finish()
    }

    private static func has(_ mark: [UInt8], _ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while let start = rest.firstIndex(of: mark[1]) {
            // From the letter behind the quote, which is rarer.
            if start > bytes.startIndex, bytes[(start - 1)...].starts(with: mark) { return true }
            rest = rest[(start + 1)...]
        }
        return false
    }
}
