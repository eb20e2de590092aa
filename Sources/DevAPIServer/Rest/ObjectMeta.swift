import JSONModel

/// Metadata that the server reads and keeps.
extension JSON {
    func meta(_ name: String) -> String? { self.at("metadata", name)?.string }

    mutating func setMeta(_ name: String, _ value: JSON?) { self.set(["metadata", name], to: value) }

    var metaFinalizers: [String] { (self.at("metadata", "finalizers")?.array ?? []).compactMap(\.string) }

    var isBeingDeleted: Bool { self.meta("deletionTimestamp") != nil }

    var generation: Int { self.at("metadata", "generation")?.int ?? 0 }

    /// The object as far as equality of two writes goes: without revision and without the times of managedFields.
    var withoutBookkeeping: JSON {
        var value = self
        value.setMeta("resourceVersion", nil)
        if let entries = value.at("metadata", "managedFields")?.array {
            value.setMeta(
                "managedFields",
                .array(
                    entries.map { entry in
                        var entry = entry
                        entry["time"] = nil
                        return entry
                    }))
        }
        return value
    }
}

enum NameRules {
    static let subdomain =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
        + "alphanumeric character (e.g. 'example.com', regex used for validation is "
        + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    static let label =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
        + "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

    static let dns1035 =
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an "
        + "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

    static func check(name: String, of type: ResourceType) -> [FieldError] {
        let field = "metadata.name"
        if type.group == "rbac.authorization.k8s.io" {
            return name.contains("/") || name == "." || name == ".." ? [.invalid(field, JSON(name), "may not contain '/'")] : []
        }
        if type.qualifiedName == "services" {
            return Self.isDNS1035(name) ? [] : [.invalid(field, JSON(name), Self.dns1035)]
        }
        if type.qualifiedName == "namespaces" {
            return name.count <= 63 && Self.isLabel(name) ? [] : [.invalid(field, JSON(name), Self.label)]
        }
        return Self.isSubdomain(name) ? [] : [.invalid(field, JSON(name), Self.subdomain)]
    }

    static func isSubdomain(_ text: String) -> Bool {
        text.count <= 253 && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(Self.isLabel)
    }

    /// A label that starts with a letter.
    static func isDNS1035(_ text: String) -> Bool { text.count <= 63 && Self.isLabel(text) && text.first?.isNumber == false }

    static func isLabel(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, let last = Array(text.utf8).last else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool { (97...122).contains(byte) || (48...57).contains(byte) }
        return isAlphanumeric(first) && isAlphanumeric(last) && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 45 }
    }

    static let qualifiedName =
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
        + "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

    /// The labels and the annotations' keys of something that has metadata.
    static func check(metadata: JSON?, at field: String) -> [FieldError] {
        let wrong = (metadata?["annotations"]?.object ?? [:]).keys.sorted().filter { !Self.isQualifiedName($0) }
        return Self.check(labels: metadata?["labels"], at: "\(field).labels")
            + wrong.map { .invalid("\(field).annotations", JSON($0), Self.qualifiedName) }
    }

    static func check(labels: JSON?, at field: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (key, value) in (labels?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            if !Self.isQualifiedName(key) { errors.append(.invalid(field, JSON(key), Self.qualifiedName)) }
            guard let text = value.string else { continue }
            if text.count > 63 || !(text.isEmpty || Self.isNamePart(text)) {
                errors.append(
                    .invalid(
                        field, value,
                        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
                            + "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation "
                            + "is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"))
            }
        }
        return errors
    }

    private static func isQualifiedName(_ key: String) -> Bool {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = parts.last, name.count <= 63 else { return false }
        return Self.isNamePart(name)
            && (parts.count == 1 || parts[0].split(separator: ".", omittingEmptySubsequences: false).allSatisfy(Self.isLabel))
    }

    private static func isNamePart(_ text: some StringProtocol) -> Bool {
        guard let first = text.first, let last = text.last else { return false }
        func isAlphanumeric(_ character: Character) -> Bool { character.isASCII && (character.isLetter || character.isNumber) }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && text.allSatisfy { isAlphanumeric($0) || $0 == "-" || $0 == "_" || $0 == "." }
    }
}
