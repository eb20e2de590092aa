package import FoundationEssentials

/// Text that is not JSON, with the decoder's own account of where.
package struct InvalidJSON: Error, Hashable, CustomStringConvertible {
    package let reason: String
    package var description: String { "not valid JSON: \(self.reason)" }
}

extension JSON {
    package init(parsing text: String) throws(InvalidJSON) { try self.init(parsing: Data(text.utf8)) }

    package init(parsing data: Data) throws(InvalidJSON) {
        do {
            self = try JSONDecoder().decode(JSON.self, from: data)
        } catch DecodingError.dataCorrupted(let context) {
            let cause = context.underlyingError.map { "\($0)" } ?? context.debugDescription
            throw InvalidJSON(reason: cause)
        } catch {
            throw InvalidJSON(reason: "\(error)")
        }
    }

    /// Canonical text: members sorted by name, no white space, slashes unescaped. Equal values give equal text,
    /// so it is also what hashes are made of.
    package var data: Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Self.encode(self, with: encoder)
    }

    package var text: String { String(decoding: self.data, as: UTF8.self) }

    package var prettyText: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        return String(decoding: Self.encode(self, with: encoder), as: UTF8.self)
    }

    private static func encode(_ value: JSON, with encoder: JSONEncoder) -> Data {
        // NaN and infinity, the only values JSON cannot say, have no literal in any input of ours.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        guard let data = try? encoder.encode(value) else { preconditionFailure("a JSON value always encodes") }
        return data
    }
}

extension JSON: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package init(from decoder: any Decoder) throws {
        // Most values in our documents are strings and objects: the order keeps failed attempts few.
        if let members = try? decoder.container(keyedBy: Key.self) {
            var object: [String: JSON] = [:]
            object.reserveCapacity(members.allKeys.count)
            for key in members.allKeys { object[key.stringValue] = try members.decode(JSON.self, forKey: key) }
            self = .object(object)
            return
        }
        if var elements = try? decoder.unkeyedContainer() {
            var array: [JSON] = []
            while !elements.isAtEnd { array.append(try elements.decode(JSON.self)) }
            self = .array(array)
            return
        }
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let int = try? value.decode(Int64.self) {
            self = .int(int)
        } else {
            self = .double(try value.decode(Double.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .object(let members):
            var container = encoder.container(keyedBy: Key.self)
            for (key, value) in members { try container.encode(value, forKey: Key(stringValue: key)) }
        case .array(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .int(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .double(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .string(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        }
    }
}

extension JSON {
    /// Reads a value as a `Decodable` type of ours (configuration messages, settings).
    package func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(Value.self, from: self.data)
    }

    package init(encoding value: some Encodable) throws {
        self = try JSON(parsing: try JSONEncoder().encode(value))
    }
}
