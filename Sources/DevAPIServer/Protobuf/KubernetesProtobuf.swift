import FoundationEssentials
import JSONModel

/// Request bodies of `application/vnd.kubernetes.protobuf`: four bytes `k8s\0`, then `runtime.Unknown` with the object inside.
struct KubernetesProtobuf: Sendable {
    static let mediaType = "application/vnd.kubernetes.protobuf"

    struct Unreadable: Error, Hashable, CustomStringConvertible {
        let description: String
    }

    private struct Field: Sendable {
        let name: String
        let isEmbedded: Bool
    }

    private let types: TypeTable
    private let fields: [String: [Int: Field]]

    init(types: TypeTable, numbers: String = protobufNumbers) {
        self.types = types
        var fields: [String: [Int: Field]] = [:]
        for line in numbers.split(separator: "\n") {
            let words = line.split(separator: " ")
            var members: [Int: Field] = [:]
            for index in stride(from: 1, to: words.count - 1, by: 2) {
                guard let number = Int(words[index]) else { preconditionFailure("not a field number: \(line)") }
                let isEmbedded = words[index + 1].first == "~"
                members[number] = Field(name: String(isEmbedded ? words[index + 1].dropFirst() : words[index + 1]), isEmbedded: isEmbedded)
            }
            fields[String(words[0])] = members
        }
        self.fields = fields
    }

    /// - Parameter typeName: the type expected when the body's own kind has no table, as `DeleteOptions`
    func decode(_ body: Data, typeName: String) throws -> JSON {
        let bytes = Array(body)
        guard bytes.starts(with: [0x6B, 0x38, 0x73, 0x00]) else { throw Unreadable(description: "it does not start with k8s\\0") }
        do {
            var reader = ProtobufReader(bytes[4...])
            var object: JSON = [:]
            var identity: [String: JSON] = [:]
            while let (field, value) = try reader.next() {
                guard case .bytes(let content) = value else { continue }
                if field == 1 {
                    var inner = ProtobufReader(content)
                    while let (number, value) = try inner.next() {
                        if case .bytes(let text) = value, !text.isEmpty {
                            identity[number == 1 ? "apiVersion" : "kind"] = JSON(String(decoding: text, as: UTF8.self))
                        }
                    }
                } else if field == 2 {
                    object = try self.object(content, self.types[typeName], typeName)
                }
            }
            for (name, text) in identity { object[name] = text }
            return object
        } catch is ProtobufReader.Malformed {
            throw Unreadable(description: "it is cut or garbled")
        }
    }

    /// Go's zero values are on the wire even where JSON would leave them out; only for these does zero mean something.
    private static let pointers: Set<String> = [
        "replicas", "expirationSeconds", "gracePeriodSeconds", "terminationGracePeriodSeconds", "automountServiceAccountToken",
        "controller",
        "blockOwnerDeletion", "immutable", "optional", "revisionHistoryLimit", "progressDeadlineSeconds", "backoffLimit", "parallelism",
        "completions", "runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "allowPrivilegeEscalation", "readOnlyRootFilesystem",
        "privileged", "enableServiceLinks", "minReplicas", "suspend", "defaultMode", "mode", "tolerationSeconds", "orphanDependents",
        "ready", "serving", "terminating", "priority",
    ]

    private func object(_ bytes: ArraySlice<UInt8>, _ schema: Schema, _ typeName: String) throws -> JSON {
        var object: [String: JSON] = [:]
        var reader = ProtobufReader(bytes)
        let known = self.fields[typeName] ?? [:]
        while let (number, value) = try reader.next() {
            guard let field = known[number] else { continue }
            if field.isEmbedded {
                guard case .bytes(let content) = value else { continue }
                object.merge(try self.object(content, schema, field.name).object ?? [:]) { _, new in new }
                continue
            }
            guard let member = schema.member(field.name) else { continue }
            if member.node.form == .array {
                guard let items = member.node.items, let element = try self.value(value, items, field.name) else { continue }
                object[field.name] = .array((object[field.name]?.array ?? []) + [element])
            } else if member.node.form == .object, let common = member.node.additionalProperties {
                guard case .bytes(let entry) = value, let (key, element) = try self.entry(entry, common) else { continue }
                object[field.name, default: [:]][key] = element
            } else if let decoded = try self.value(value, member, field.name), Self.counts(decoded, field.name) {
                object[field.name] = decoded
            }
        }
        return .object(object)
    }

    private static func counts(_ value: JSON, _ name: String) -> Bool {
        switch value {
        case .string(let text): !text.isEmpty
        case .int(0), .bool(false): Self.pointers.contains(name)
        default: true
        }
    }

    private func entry(_ bytes: ArraySlice<UInt8>, _ common: Schema) throws -> (String, JSON)? {
        var reader = ProtobufReader(bytes)
        var key = ""
        var found: JSON?
        while let (number, value) = try reader.next() {
            if number == 1, case .bytes(let text) = value { key = String(decoding: text, as: UTF8.self) }
            if number == 2 { found = try self.value(value, common, "") }
        }
        return (key, found ?? "")
    }

    private func value(_ value: ProtobufReader.Value, _ schema: Schema, _ name: String) throws -> JSON? {
        switch (schema.node.form, value) {
        case (.integer, .varint(let number)): return .int(Int64(bitPattern: number))
        case (.boolean, .varint(let number)): return .bool(number != 0)
        case (.number, .fixed(let bits)): return .double(Double(bitPattern: bits))
        case (.string, .bytes(let content)):
            switch schema.node.format {
            case "byte": return JSON(Data(content).base64EncodedString())
            case "date-time": return try Self.time(content)
            default: return JSON(String(decoding: content, as: UTF8.self))
            }
        case (.object, .bytes(let content)):
            if name == "fieldsV1" { return try Self.fieldsV1(content) }
            guard let typeName = schema.node.typeName, self.fields[typeName] != nil else { return nil }
            return try self.object(content, schema, typeName)
        case (nil, .bytes(let content)) where schema.node.isIntOrString: return try Self.intOrString(content, schema)
        default: return nil
        }
    }

    /// `Time {seconds = 1, nanos = 2}`; an empty one is no time.
    private static func time(_ bytes: ArraySlice<UInt8>) throws -> JSON? {
        var reader = ProtobufReader(bytes)
        var seconds: Int64?
        var nanos: UInt64 = 0
        while let (field, value) = try reader.next() {
            guard case .varint(let number) = value else { continue }
            if field == 1 { seconds = Int64(bitPattern: number) } else { nanos = number }
        }
        guard let seconds else { return nil }
        let text = Timestamp.text(Date(timeIntervalSince1970: Double(seconds)))
        guard nanos > 0 else { return JSON(text) }
        let micros = String(nanos / 1000 + 1_000_000).dropFirst()
        return JSON("\(text.dropLast()).\(micros)Z")
    }

    private static func fieldsV1(_ bytes: ArraySlice<UInt8>) throws -> JSON? {
        var reader = ProtobufReader(bytes)
        while let (_, value) = try reader.next() {
            if case .bytes(let raw) = value { return try? JSON(parsing: Data(raw)) }
        }
        return [:]
    }

    /// `IntOrString {type = 1, intVal = 2, strVal = 3}`, or `Quantity {string = 1}`.
    private static func intOrString(_ bytes: ArraySlice<UInt8>, _ schema: Schema) throws -> JSON? {
        var reader = ProtobufReader(bytes)
        var isText = false
        var number: Int64 = 0
        var text = ""
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .varint(let kind)): isText = kind == 1
            case (2, .varint(let value)): number = Int64(Int32(truncatingIfNeeded: value))
            case (1, .bytes(let content)), (3, .bytes(let content)):
                text = String(decoding: content, as: UTF8.self)
                if field == 1 { isText = true }
            default: continue
            }
        }
        return isText ? JSON(text) : .int(number)
    }
}
