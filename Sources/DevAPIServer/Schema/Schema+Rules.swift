import JSONModel
import MeshModel

extension Schema {
    /// Runs `x-kubernetes-validations`: not as CEL, but as the predicate that `CrossFieldRules` keeps beside each rule's text.
    /// - Parameter old: the value before an update, where it can be told which one it was
    func checkRules(_ value: JSON, old: JSON?, at path: FieldPath = FieldPath()) -> [FieldError] {
        var errors: [FieldError] = []
        for rule in self.node.rules {
            // A definition with a rule we do not know was refused.
            guard let known = CrossFieldRules.rule(text: rule.text) else { continue }
            if known.isTransition, old == nil { continue }
            if !known.holds(value, old) { errors.append(self.error(of: rule, value: value, at: path)) }
        }
        switch value {
        case .object(let members):
            for name in members.keys.sorted() {
                guard let child = members[name], !child.isNull else { continue }
                if let schema = self.node.properties[name] {
                    errors += schema.checkRules(child, old: old?[name], at: path.member(name))
                } else if let common = self.node.additionalProperties {
                    errors += common.checkRules(child, old: old?[name], at: path.key(name))
                }
            }
        case .array(let elements):
            guard let items = self.node.items else { break }
            for (index, element) in elements.enumerated() {
                errors += items.checkRules(element, old: self.counterpart(of: element, in: old), at: path.index(index))
            }
        default: break
        }
        return errors
    }

    /// Whether this schema or one inside it has rules.
    var hasRules: Bool {
        var found = false
        self.walk { _, schema in found = found || !schema.node.rules.isEmpty }
        return found
    }

    /// Elements of a keyed list are told apart by their keys; those of other lists have no past.
    private func counterpart(of element: JSON, in old: JSON?) -> JSON? {
        guard case .map(let keys) = self.node.list else { return nil }
        return old?.array?.first { candidate in keys.allSatisfy { candidate[$0] == element[$0] } }
    }

    /// In the words of a current API server, which leaves objects and lists out.
    private func error(of rule: Rule, value: JSON, at path: FieldPath) -> FieldError {
        let field = FieldPath(path.text + (rule.fieldPath.map { path.text.isEmpty ? String($0.drop { $0 == "." }) : $0 } ?? "")).orRoot
        let message = rule.message ?? "failed rule: \(rule.text)"
        switch rule.reason {
        case FieldError.Reason.required.rawValue: return .required(field, message)
        case FieldError.Reason.forbidden.rawValue: return .forbidden(field, message)
        case FieldError.Reason.duplicate.rawValue: return .duplicate(field, JSON(self.node.form?.rawValue ?? ""))
        default:
            guard value.object == nil, value.array == nil else {
                return FieldError(reason: .invalid, field: field, message: "Invalid value: \(message)")
            }
            return .invalid(field, value, message)
        }
    }
}
