package import ConfigSync

/// Items as the text that is hashed, compared and sent: in the order of their ids, so that equal sets are equal text.
package enum SharedText {
    package static func text(_ items: some Sequence<SharedItem>) -> ConfigText {
        var builder = ConfigTextBuilder()
        for item in items.sorted(by: { $0.id < $1.id }) { builder.append(item.line[...]) }
        return builder.finish()
    }

    /// What can be read. Lines that cannot, such as those of a newer program, cost themselves alone.
    package static func items(_ text: ConfigText) -> (items: [SharedItem], unreadable: Int) {
        var (items, unreadable) = ([SharedItem](), 0)
        for block in text.blocks {
            for index in 0..<block.count {
                if let item = SharedItem(line: block.bytes[block.line(index)]) { items.append(item) } else { unreadable += 1 }
            }
        }
        return (items, unreadable)
    }
}
