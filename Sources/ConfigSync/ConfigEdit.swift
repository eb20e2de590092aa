/// One step from the lines of a configuration to those of the next, taken in order: `{"keep":500}`.
package enum ConfigEdit: Hashable, Sendable {
    /// The next lines stay.
    case keep(Int)
    /// The next lines go.
    case drop(Int)
    /// Here are as many of the lines that came along.
    case add(Int)
}

extension ConfigEdit: Codable {
    private enum Key: String, CodingKey { case keep, drop, add }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let key = container.allKeys.first, container.allKeys.count == 1 else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "an edit is one of keep, drop and add"))
        }
        let count = try container.decode(Int.self, forKey: key)
        // So that no sum of them is too large for an integer.
        guard (1...1 << 32).contains(count) else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "an edit of \(count) lines"))
        }
        switch key {
        case .keep: self = .keep(count)
        case .drop: self = .drop(count)
        case .add: self = .add(count)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .keep(let count): try container.encode(count, forKey: .keep)
        case .drop(let count): try container.encode(count, forKey: .drop)
        case .add(let count): try container.encode(count, forKey: .add)
        }
    }
}

extension [ConfigEdit] {
    /// Joins what can be joined.
    mutating func take(_ edit: ConfigEdit) {
        switch (self.last, edit) {
        case (_, .keep(0)), (_, .drop(0)), (_, .add(0)): return
        case (.keep(let before), .keep(let count)): self[self.count - 1] = .keep(before + count)
        case (.drop(let before), .drop(let count)): self[self.count - 1] = .drop(before + count)
        case (.add(let before), .add(let count)): self[self.count - 1] = .add(before + count)
        default: self.append(edit)
        }
    }
}
