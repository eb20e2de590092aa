import FoundationEssentials

/// What the config stream says: the reply to `GET /v1/config`, lines of JSON, open until one side leaves.
///
/// ```
/// {"snapshot":{"hash":H,"items":2}}                             a whole configuration: that many lines follow
/// {"listener":{…}}
/// {"cluster":{…}}
/// {"difference":{"base":H,"edits":[{"keep":1},{"drop":1},{"add":1}],"hash":I,"items":1}}
/// {"cluster":{…}}                                               the lines that the edits add
/// {"ping":{}}                                                   the control plane is there
/// {"question":{"id":"…","page":"stats"}}                        it wants to know something
/// ```
package enum StreamMessage: Hashable, Sendable {
    case config(ConfigUpdate)
    /// Sent after `pingInterval` without anything else to say.
    case ping
    case question(Question)

    package static let contentType = "application/x-ndjson"
    package static let pingInterval = Duration.seconds(5)
    /// A stream that says nothing for this long is dead, and so is one whose other side acknowledges nothing for as long.
    package static let silenceLimit = Duration.seconds(20)

    package static let pingLine = Array("{\"ping\":{}}\n".utf8)
}

/// A configuration that has arrived whole and is what its sender meant.
package struct ConfigUpdate: Hashable, Sendable {
    package var text: ConfigText
    /// How it came of the one before; nil where it came whole.
    package var edits: [ConfigEdit]?

    package init(text: ConfigText, edits: [ConfigEdit]? = nil) {
        self.text = text
        self.edits = edits
    }
}

/// The first line of a message.
enum StreamHeader: Codable, Hashable, Sendable {
    struct Snapshot: Codable, Hashable, Sendable {
        var hash: String
        /// Lines that follow.
        var items: Int
    }

    struct Difference: Codable, Hashable, Sendable {
        var base: String
        var edits: [ConfigEdit]
        var hash: String
        /// Lines that follow.
        var items: Int
    }

    case snapshot(Snapshot)
    case difference(Difference)
    case ping
    case question(Question)

    private enum Key: String, CodingKey { case snapshot, difference, ping, question }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if let snapshot = try container.decodeIfPresent(Snapshot.self, forKey: .snapshot) {
            self = .snapshot(snapshot)
        } else if let difference = try container.decodeIfPresent(Difference.self, forKey: .difference) {
            self = .difference(difference)
        } else if container.contains(.ping) {
            self = .ping
        } else if let question = try container.decodeIfPresent(Question.self, forKey: .question) {
            self = .question(question)
        } else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "a message is a snapshot, a difference, a question or a ping"))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .snapshot(let snapshot): try container.encode(snapshot, forKey: .snapshot)
        case .difference(let difference): try container.encode(difference, forKey: .difference)
        case .ping: try container.encode([String: String](), forKey: .ping)
        case .question(let question): try container.encode(question, forKey: .question)
        }
    }

    init(line: [UInt8]) throws(InvalidMessage) {
        do {
            self = try JSONDecoder().decode(StreamHeader.self, from: Data(line))
        } catch DecodingError.dataCorrupted(let context) {
            throw InvalidMessage(reason: "a line that is no message (\(context.debugDescription))")
        } catch {
            throw InvalidMessage(reason: "a line that is no message (\(error))")
        }
    }

    /// With its line feed.
    var line: [UInt8] {
        guard let data = try? JSONEncoder.canonical.encode(self) else { preconditionFailure("a message always encodes") }
        return Array(data) + [0x0A]
    }
}

/// What came makes no sense.
package struct InvalidMessage: Error, Hashable, CustomStringConvertible {
    package let reason: String
    package var description: String { "the control plane sent \(self.reason)" }
}

/// A configuration as it is written to a stream.
package struct OutgoingConfig: Hashable, Sendable {
    package enum Form: String, CaseIterable, Sendable { case whole, difference }

    package let hash: String
    package let form: Form
    /// To be written one after the other. All but the first are shared with messages to other proxies.
    package let parts: [[UInt8]]

    package var byteCount: Int { self.parts.reduce(0) { $0 + $1.count } }

    /// The configuration whole.
    package init(whole text: ConfigText) {
        self.hash = text.hash
        self.form = .whole
        self.parts = [StreamHeader.snapshot(.init(hash: text.hash, items: text.itemCount)).line] + text.blocks.map(\.bytes)
    }

    package init(_ difference: ConfigDifference) {
        self.hash = difference.hash
        self.form = .difference
        let header = StreamHeader.difference(
            .init(base: difference.base, edits: difference.edits, hash: difference.hash, items: difference.addedCount))
        self.parts = [header.line] + difference.added
    }

    /// The shorter way from what a proxy has to what it should have.
    package init(_ text: ConfigText, for base: ConfigText?, cache: inout DifferenceCache) {
        let whole = OutgoingConfig(whole: text)
        guard let base else {
            self = whole
            return
        }
        let difference = OutgoingConfig(ConfigDifference(from: base, to: text, cache: &cache))
        self = difference.byteCount < whole.byteCount ? difference : whole
    }
}
