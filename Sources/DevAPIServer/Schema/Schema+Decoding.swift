import FoundationEssentials
import JSONModel

extension Schema {
    /// What Go's decoder would say of a value that does not fit its struct; nil when all does.
    func decodingProblem(_ value: JSON) -> String? { self.decodingProblem(value, in: "", at: FieldPath()) }

    /// - Parameter structName: the innermost Go struct around the value
    private func decodingProblem(_ value: JSON, in structName: String, at path: FieldPath) -> String? {
        let structName = self.node.typeName ?? structName
        switch (self.node.form, value) {
        case (_, .null), (nil, _): return nil
        case (.object, .object(let members)):
            for name in members.keys.sorted() {
                guard let child = members[name] else { continue }
                if let schema = self.node.properties[name] {
                    if let problem = schema.decodingProblem(child, in: structName, at: path.member(name)) { return problem }
                } else if let common = self.node.additionalProperties {
                    if let problem = common.decodingProblem(child, in: structName, at: path) { return problem }
                }
            }
            return nil
        case (.array, .array(let elements)):
            return elements.lazy.compactMap { self.node.items?.decodingProblem($0, in: structName, at: path) }.first
        case (.string, .string(let text)):
            if self.node.format == "byte", Data(base64Encoded: text) == nil { return "illegal base64 data at input byte 0" }
            if self.node.format == "date-time", !TextFormat.accepts(text, format: "date-time") {
                return "parsing time \(value.text) as \"2006-01-02T15:04:05Z07:00\": cannot parse \(value.text) as \"2006\""
            }
            return nil
        case (.boolean, .bool), (.integer, .int), (.number, .int), (.number, .double): return nil
        default:
            let found = value.int == nil && value.typeName != "number" ? value.typeName.replacing("boolean", with: "bool") : "number"
            return "json: cannot unmarshal \(found) into Go struct field \(structName).\(path.text) of type \(self.goType)"
        }
    }

    private var goType: String {
        switch self.node.form {
        case .string: "string"
        case .boolean: "bool"
        case .integer: self.node.format ?? "int32"
        case .number: "float64"
        case .array: "[]\(self.node.items?.goType ?? "interface {}")"
        case .object: self.node.typeName.map { "v1.\($0)" } ?? "map[string]\(self.node.additionalProperties?.goType ?? "interface {}")"
        case nil: "interface {}"
        }
    }
}
