internal import CYAML

/// libyaml's parser, event by event. The only reader of its memory.
final class YAMLEvents {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd
        case sequenceStart, sequenceEnd, mappingStart, mappingEnd
        case alias(String)
        /// `isPlain`: written without quotes, so that its text may mean a number, a boolean or null.
        case scalar(String, isPlain: Bool)
    }

    struct Event {
        var kind: Kind
        var anchor: String?
        /// Empty when none is written.
        var tag: String
        /// From 1.
        var line: Int
        var column: Int
    }

    private let file: String
    private let bytes: [UInt8]
    /// On the heap, because libyaml keeps pointers into it.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ text: String, file: String) throws(YAMLError) {
        self.file = file
        self.bytes = Array(text.utf8)
        self.parser = .allocate(capacity: 1)
        self.input = .allocate(capacity: max(1, self.bytes.count))
        _ = self.input.update(from: self.bytes)
        guard yaml_parser_initialize(self.parser) == 1 else { preconditionFailure("libyaml is out of memory") }
        yaml_parser_set_input_string(self.parser, self.input.baseAddress, self.bytes.count)
    }

    deinit {
        yaml_parser_delete(self.parser)
        self.parser.deallocate()
        self.input.deallocate()
    }

    func next() throws(YAMLError) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(self.parser, &event) == 1 else { throw self.syntaxError() }
        defer { yaml_event_delete(&event) }
        let line = event.start_mark.line + 1
        let column = event.start_mark.column + 1
        func made(_ kind: Kind, anchor: UnsafeMutablePointer<yaml_char_t>? = nil, tag: UnsafeMutablePointer<yaml_char_t>? = nil) -> Event {
            Event(
                kind: kind, anchor: anchor.map { String(cString: $0) }, tag: tag.map { String(cString: $0) } ?? "", line: line,
                column: column)
        }
        switch event.type {
        case YAML_STREAM_START_EVENT: return made(.streamStart)
        case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return made(.streamEnd)
        case YAML_DOCUMENT_START_EVENT: return made(.documentStart)
        case YAML_DOCUMENT_END_EVENT: return made(.documentEnd)
        case YAML_SEQUENCE_START_EVENT:
            return made(.sequenceStart, anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag)
        case YAML_SEQUENCE_END_EVENT: return made(.sequenceEnd)
        case YAML_MAPPING_START_EVENT:
            return made(.mappingStart, anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag)
        case YAML_MAPPING_END_EVENT: return made(.mappingEnd)
        case YAML_ALIAS_EVENT: return made(.alias(String(cString: event.data.alias.anchor)))
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return made(.scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), anchor: scalar.anchor, tag: scalar.tag)
        default: preconditionFailure("libyaml made an event of unknown type \(event.type.rawValue)")
        }
    }

    private func syntaxError() -> YAMLError {
        let state = self.parser.pointee
        var reason = state.problem.map { String(cString: $0) } ?? "is not YAML"
        guard state.error != YAML_READER_ERROR else {
            let before = self.bytes.prefix(state.problem_offset)
            let line = before.count { $0 == UInt8(ascii: "\n") } + 1
            let column = before.count - (before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0) + 1
            return YAMLError(file: self.file, line: line, column: column, reason: reason)
        }
        if let context = state.context {
            reason += " \(String(cString: context))"
            if state.context_mark.line != state.problem_mark.line { reason += " that starts at line \(state.context_mark.line + 1)" }
        }
        // The mark counts characters.
        if String(decoding: self.bytes, as: UTF8.self).unicodeScalars.dropFirst(state.problem_mark.index).first == "\t" {
            reason += " (YAML is indented with spaces, not with tabs)"
        }
        return YAMLError(file: self.file, line: state.problem_mark.line + 1, column: state.problem_mark.column + 1, reason: reason)
    }
}
