internal import CYAML
internal import JSONModel

/// JSON values as YAML in block style, through libyaml's emitter.
struct YAMLWriter {
    let first: [String]

    func text(_ documents: [JSON]) -> String {
        let emitter = YAMLEmitter()
        for (index, document) in documents.enumerated() {
            emitter.startDocument(isFirst: index == 0)
            self.write(document, to: emitter, isTop: true)
            emitter.endDocument()
        }
        return emitter.finish()
    }

    private func write(_ value: JSON, to emitter: YAMLEmitter, isTop: Bool = false) {
        switch value {
        case .null: emitter.scalar("null", .plain)
        case .bool(let value): emitter.scalar(value ? "true" : "false", .plain)
        case .int(let value): emitter.scalar(String(value), .plain)
        case .double: emitter.scalar(value.text, .plain)
        case .string(let text): emitter.scalar(text, Self.style(of: text))
        case .array(let elements):
            emitter.startSequence()
            for element in elements { self.write(element, to: emitter) }
            emitter.endSequence()
        case .object(let members):
            emitter.startMapping()
            let leading = isTop ? self.first.filter { members[$0] != nil } : []
            for name in leading + members.keys.filter({ !leading.contains($0) }).sorted() {
                emitter.scalar(name, Self.style(of: name) == .literal ? .quoted : Self.style(of: name))
                self.write(members[name] ?? .null, to: emitter)
            }
            emitter.endMapping()
        }
    }

    /// Quotes whatever some YAML reader would take for anything but this text. libyaml quotes what its syntax demands.
    private static func style(of text: String) -> YAMLEmitter.Style {
        if text.contains("\n") { return .literal }
        guard YAMLScalar.meaning(ofPlain: text) == .value(.string(text)) else { return .quoted }
        // Dates, times and base 60 numbers of YAML 1.1, merge and value keys.
        if let byte = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), !text.contains(where: \.isLetter) {
            return .quoted
        }
        return text == "<<" || text == "=" ? .quoted : .plain
    }
}

/// libyaml's emitter, call by call.
private final class YAMLEmitter {
    enum Style { case plain, quoted, literal }

    private let emitter: UnsafeMutablePointer<yaml_emitter_t>
    private var output: [UInt8] = []

    init() {
        self.emitter = .allocate(capacity: 1)
        guard yaml_emitter_initialize(self.emitter) == 1 else { preconditionFailure("libyaml is out of memory") }
        yaml_emitter_set_unicode(self.emitter, 1)
        yaml_emitter_set_width(self.emitter, -1)
        yaml_emitter_set_output(
            self.emitter,
            { context, bytes, count in
                guard let context else { return 0 }
                Unmanaged<YAMLEmitter>.fromOpaque(context).takeUnretainedValue().output
                    .append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
                return 1
            }, Unmanaged.passUnretained(self).toOpaque())
        self.emit { yaml_stream_start_event_initialize($0, YAML_UTF8_ENCODING) }
    }

    deinit {
        yaml_emitter_delete(self.emitter)
        self.emitter.deallocate()
    }

    func startDocument(isFirst: Bool) { self.emit { yaml_document_start_event_initialize($0, nil, nil, nil, isFirst ? 1 : 0) } }

    func endDocument() { self.emit { yaml_document_end_event_initialize($0, 1) } }

    func startSequence() { self.emit { yaml_sequence_start_event_initialize($0, nil, nil, 1, YAML_BLOCK_SEQUENCE_STYLE) } }

    func endSequence() { self.emit { yaml_sequence_end_event_initialize($0) } }

    func startMapping() { self.emit { yaml_mapping_start_event_initialize($0, nil, nil, 1, YAML_BLOCK_MAPPING_STYLE) } }

    func endMapping() { self.emit { yaml_mapping_end_event_initialize($0) } }

    func scalar(_ text: String, _ style: Style) {
        var text = text
        let yamlStyle =
            switch style {
            case .plain: YAML_PLAIN_SCALAR_STYLE
            case .quoted: YAML_DOUBLE_QUOTED_SCALAR_STYLE
            case .literal: YAML_LITERAL_SCALAR_STYLE
            }
        let empty: StaticString = ""  // An empty buffer may have no address, which libyaml does not allow.
        text.withUTF8 { bytes in
            let start = bytes.baseAddress ?? empty.utf8Start
            self.emit { yaml_scalar_event_initialize($0, nil, nil, start, Int32(bytes.count), 1, 1, yamlStyle) }
        }
    }

    func finish() -> String {
        self.emit { yaml_stream_end_event_initialize($0) }
        yaml_emitter_flush(self.emitter)
        return String(decoding: self.output, as: UTF8.self)
    }

    /// The events of a tree in order cannot be refused, and memory does not run out on Linux: a failure is a bug of ours.
    private func emit(_ make: (UnsafeMutablePointer<yaml_event_t>) -> Int32) {
        var event = yaml_event_t()
        guard make(&event) == 1, yaml_emitter_emit(self.emitter, &event) == 1 else {
            preconditionFailure("libyaml refused to write: \(self.emitter.pointee.problem.map { String(cString: $0) } ?? "")")
        }
    }
}
