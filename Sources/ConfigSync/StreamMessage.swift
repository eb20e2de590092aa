package import FoundationEssentials
package import JSONModel

/// One line of the config stream: `{"snapshot":{"hash":"…","config":{…}}}` or `{"ping":{}}`.
///
/// The stream is the reply to `GET /v1/config`: newline-delimited JSON, open until one side leaves. Each snapshot is
/// complete and replaces the one before.
package enum StreamMessage: Codable, Hashable, Sendable {
    case snapshot(Snapshot)
    /// Says that the control plane is there; sent after `pingInterval` without anything else to say.
    case ping

    package static let contentType = "application/x-ndjson"
    package static let pingInterval = Duration.seconds(10)
    /// A stream that says nothing for this long is dead.
    package static let silenceLimit = Duration.seconds(30)

    private enum Key: String, CodingKey { case snapshot, ping }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if let snapshot = try container.decodeIfPresent(Snapshot.self, forKey: .snapshot) {
            self = .snapshot(snapshot)
        } else if container.contains(.ping) {
            self = .ping
        } else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "a message is a snapshot or a ping"))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .snapshot(let snapshot): try container.encode(snapshot, forKey: .snapshot)
        case .ping: try container.encode([String: String](), forKey: .ping)
        }
    }
}

/// A configuration with the hash that names it.
package struct Snapshot: Codable, Hashable, Sendable {
    /// Lower-case hex SHA-256 of the config's canonical JSON text, computed by the control plane.
    package var hash: String
    /// A `ProxyConfig` as JSON: read item by item (`ConfigReading`), so that one that makes no sense here costs only itself.
    package var config: JSON

    package init(hash: String, config: JSON) {
        self.hash = hash
        self.config = config
    }
}

/// A line of the stream that is no message.
package struct InvalidMessage: Error, Hashable, CustomStringConvertible {
    package let reason: String
    package var description: String { "the control plane sent a line that is no message (\(self.reason))" }
}

extension StreamMessage {
    package init(line: Data) throws(InvalidMessage) {
        do {
            self = try JSONDecoder().decode(StreamMessage.self, from: line)
        } catch DecodingError.dataCorrupted(let context) {
            throw InvalidMessage(reason: context.debugDescription)
        } catch {
            throw InvalidMessage(reason: "\(error)")
        }
    }

    /// The message as one line, its line feed included.
    package var line: Data {
        guard let json = try? JSON(encoding: self) else { preconditionFailure("a message always encodes") }
        var line = json.data
        line.append(0x0A)
        return line
    }
}
