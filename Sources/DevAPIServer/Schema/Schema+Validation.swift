import JSONModel

extension Schema {
    /// Checks a value against the schema, in the words of a Kubernetes API server. A value of the wrong type is checked like any other.
    func validate(_ value: JSON, at path: FieldPath = FieldPath()) -> [FieldError] {
        if value.isNull {
            if self.node.isNullable || self.node.form == nil { return [] }
            return [self.wrongType(value, at: path)] + self.checkChoices(value, at: path)
        }
        var errors = self.accepts(value) ? [] : [self.wrongType(value, at: path)]
        errors += self.checkChoices(value, at: path)
        switch value {
        case .object(let members): errors += self.checkObject(members, at: path)
        case .array(let elements): errors += self.checkList(elements, at: path)
        case .string: errors += self.checkText(value, at: path)
        case .int, .double: errors += self.checkNumber(value, at: path)
        case .null, .bool: break
        }
        return errors + self.checkCombinations(value, at: path)
    }

    private func accepts(_ value: JSON) -> Bool {
        if self.node.isIntOrString, value.string != nil { return true }
        return switch (self.node.isIntOrString ? .integer : self.node.form, value) {
        case (nil, _), (.object, .object), (.array, .array), (.string, .string), (.boolean, .bool), (.integer, .int), (.number, .int),
            (.number, .double):
            true
        // As far as a double is sure of its whole numbers.
        case (.integer, .double(let number)): number == number.rounded() && abs(number) < 0x1p53
        default: false
        }
    }

    private func wrongType(_ value: JSON, at path: FieldPath) -> FieldError {
        var wanted = self.node.isIntOrString ? "integer,string" : self.node.form?.rawValue ?? "object"
        var found = value.typeName
        // A format is told instead of the type, but for what has none.
        if let format = self.node.format, !value.isNull, value.string == nil, value.array == nil {
            wanted = format
            found = value.int != nil ? "int64" : value.typeName == "number" ? "float64" : ""
        }
        return .typeInvalid(path.orRoot, JSON(found), "\(path.text) in body must be of type \(wanted): \"\(found)\"")
    }

    private func checkChoices(_ value: JSON, at path: FieldPath) -> [FieldError] {
        guard !self.node.choices.isEmpty, !self.node.choices.contains(value) else { return [] }
        return [.unsupported(path.orRoot, value, choices: self.node.choices)]
    }

    private func checkObject(_ members: [String: JSON], at path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        for name in self.node.required where members[name] == nil { errors.append(.required(path.member(name).text)) }
        if let least = self.node.minProperties, members.count < least {
            errors.append(.invalid(path.orRoot, JSON(members.count), "\(path.text) in body should have at least \(least) properties"))
        }
        if let most = self.node.maxProperties, members.count > most {
            errors.append(.tooMany(path.orRoot, members.count, most))
        }
        for name in members.keys.sorted() {
            guard let value = members[name] else { continue }
            if let child = self.node.properties[name] {
                errors += child.validate(value, at: path.member(name))
            } else if let common = self.node.additionalProperties {
                errors += common.validate(value, at: path.member(name))
            }
        }
        return errors
    }

    private func checkList(_ elements: [JSON], at path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        if let least = self.node.minItems, elements.count < least {
            errors.append(.invalid(path.orRoot, JSON(elements.count), "\(path.text) in body should have at least \(least) items"))
        }
        if let most = self.node.maxItems, elements.count > most {
            errors.append(.tooMany(path.orRoot, elements.count, most))
        }
        if self.node.uniqueItems, Set(elements).count < elements.count {
            errors.append(.invalid(path.orRoot, .array(elements), "\(path.text) in body shouldn't contain duplicates"))
        }
        for (index, element) in elements.enumerated() { errors += self.node.items?.validate(element, at: path.index(index)) ?? [] }
        var seen: Set<JSON> = []
        for (index, element) in elements.enumerated() {
            switch self.node.list {
            case .atomic: break
            case .set: if !seen.insert(element).inserted { errors.append(.duplicate(path.index(index).text, element)) }
            case .map(let keys):
                guard let members = element.isNull ? [:] : element.object else {
                    return errors + [.invalid(path.index(index).text, element, "must be an object for an array of list-type map")]
                }
                let key = JSON.object(members.filter { keys.contains($0.key) })
                guard !seen.insert(key).inserted else { continue }
                // Built-in kinds reproach the key, custom ones the element.
                if keys.count == 1, self.node.items?.node.typeName != nil, let value = element[keys[0]] {
                    errors.append(.duplicate(path.index(index).member(keys[0]).text, value))
                } else {
                    errors.append(.duplicate(path.index(index).text, key))
                }
            }
        }
        return errors
    }

    private func checkText(_ value: JSON, at path: FieldPath) -> [FieldError] {
        guard case .string(let text) = value else { return [] }
        var errors: [FieldError] = []
        // The first of these is told alone, as the real one does.
        if let most = self.node.maxLength, text.unicodeScalars.count > most {
            errors.append(FieldError(reason: .tooLong, field: path.orRoot, message: "Too long: may not be more than \(most) bytes"))
        } else if let least = self.node.minLength, text.unicodeScalars.count < least {
            errors.append(.invalid(path.orRoot, value, "\(path.text) in body should be at least \(least) chars long"))
        } else if let pattern = self.node.pattern, !Pattern.matches(text, pattern) {
            errors.append(.invalid(path.orRoot, value, "\(path.text) in body should match '\(pattern)'"))
        }
        if let format = self.node.format, !TextFormat.accepts(text, format: format) {
            errors.append(.typeInvalid(path.orRoot, value, "\(path.text) in body must be of type \(format): \(value.goText)"))
        }
        return errors
    }

    private func checkNumber(_ value: JSON, at path: FieldPath) -> [FieldError] {
        let number: Double
        switch value {
        case .int(let whole): number = Double(whole)
        case .double(let fraction): number = fraction
        default: return []
        }
        /// Beside a whole number a whole limit is printed as one.
        func text(_ limit: Double) -> String {
            if case .int = value, let whole = Int(exactly: limit) { return "\(whole)" }
            return JSON.double(limit).goText
        }
        var errors: [FieldError] = []
        if self.node.form == .integer, self.node.format == "int32" ? Int32(exactly: number) == nil : Int64(exactly: number) == nil {
            let form = self.node.format.map { "with format \($0)" } ?? "(default format)"
            errors.append(.invalid("<nil>", "", "Checked value must be of type integer \(form) in \(path.text)"))
        }
        if let most = self.node.maximum, self.node.exclusiveMaximum ? number >= most : number > most {
            let words = self.node.exclusiveMaximum ? "less than" : "less than or equal to"
            errors.append(.invalid(path.orRoot, value, "\(path.text) in body should be \(words) \(text(most))"))
        }
        if let least = self.node.minimum, self.node.exclusiveMinimum ? number <= least : number < least {
            let words = self.node.exclusiveMinimum ? "greater than" : "greater than or equal to"
            errors.append(.invalid(path.orRoot, value, "\(path.text) in body should be \(words) \(text(least))"))
        }
        if let factor = self.node.multipleOf, (number / factor).rounded() != number / factor {
            errors.append(.invalid(path.orRoot, value, "\(path.text) in body should be a multiple of \(JSON.double(factor).goText)"))
        }
        return errors
    }

    private func checkCombinations(_ value: JSON, at path: FieldPath) -> [FieldError] {
        var errors = self.node.allOf.flatMap { $0.validate(value, at: path) }
        if let first = self.node.anyOf.first, self.node.anyOf.allSatisfy({ !$0.validate(value, at: path).isEmpty }) {
            errors.append(.invalid("<nil>", "", "\"\(path.text)\" must validate at least one schema (anyOf)"))
            errors += first.validate(value, at: path)
        }
        if let first = self.node.oneOf.first {
            let matching = self.node.oneOf.count { $0.validate(value, at: path).isEmpty }
            if matching != 1 {
                let found = matching == 0 ? "Found none valid" : "Found \(matching) valid alternatives"
                errors.append(.invalid("<nil>", "", "\"\(path.text)\" must validate one and only one schema (oneOf). \(found)"))
                if matching == 0 { errors += first.validate(value, at: path) }
            }
        }
        if let not = self.node.not, not.validate(value, at: path).isEmpty {
            errors.append(.invalid(path.orRoot, value, "\"\(path.text)\" must not validate the schema (not)"))
        }
        return errors
    }
}

extension FieldError {
    static func tooMany(_ field: String, _ count: Int, _ most: Int) -> Self {
        Self(reason: .tooMany, field: field, message: "Too many: \(count): must have at most \(most) \(most == 1 ? "item" : "items")")
    }
}
