package import JSONModel

/// Whether an object already says what we want it to say. Only fields that we set count: others belong to others, and
/// the API server adds defaults of its own.
package enum Difference {
    /// The path of the first wanted field that `actual` does not have as wanted; nil when it has all.
    package static func of(_ wanted: JSON, _ actual: JSON?, path: String = "") -> String? {
        // Servers drop what is empty.
        guard let actual, !actual.isNull else { return Self.isEmpty(wanted) ? nil : path.isEmpty ? "everything" : path }
        switch (wanted, actual) {
        case (.object(let members), .object(let present)):
            for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                if let found = Self.of(value, present[key], path: path.isEmpty ? key : "\(path).\(key)") { return found }
            }
            return nil
        case (.array(let elements), .array(let present)):
            return Self.ofLists(elements, present, path: path)
        default:
            return Self.areEqual(wanted, actual) ? nil : path
        }
    }

    private static func ofLists(_ wanted: [JSON], _ actual: [JSON], path: String) -> String? {
        // Lists that servers merge by key: ours has to be in there, others may be too.
        for key in ["name", "mountPath", "containerPort", "uid"] where !wanted.isEmpty && wanted.allSatisfy({ $0[key] != nil }) {
            for element in wanted {
                let match = actual.first { $0[key] == element[key] }
                let name = element[key]?.string ?? element[key]?.int.map(String.init) ?? ""
                if let found = Self.of(element, match, path: "\(path)[\(name)]") { return found }
            }
            return nil
        }
        guard wanted.count == actual.count else { return path }
        for (index, pair) in zip(wanted, actual).enumerated() {
            if let found = Self.of(pair.0, pair.1, path: "\(path)[\(index)]") { return found }
        }
        return nil
    }

    private static func isEmpty(_ value: JSON) -> Bool {
        switch value {
        case .null, .bool(false), .int(0), .string(""): true
        case .array(let elements): elements.isEmpty
        case .object(let members): members.values.allSatisfy { Self.isEmpty($0) }
        default: false
        }
    }

    /// Numbers by value, and quantities too: servers write `1000m` as `1`.
    private static func areEqual(_ left: JSON, _ right: JSON) -> Bool {
        if left == right { return true }
        guard let left = Quantity(left), let right = Quantity(right) else { return false }
        return left == right
    }
}

/// A Kubernetes quantity in thousandths.
struct Quantity: Equatable {
    private let thousandths: Double

    init?(_ json: JSON) {
        switch json {
        case .int(let value): self.thousandths = Double(value) * 1000
        case .double(let value): self.thousandths = value * 1000
        case .string(let text):
            let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard !digits.isEmpty, let number = Double(digits) else { return nil }
            let factors: [Substring: Double] = [
                "m": 1, "": 1000, "k": 1e6, "M": 1e9, "G": 1e12, "T": 1e15, "P": 1e18, "E": 1e21, "Ki": 1024e3, "Mi": 1_048_576e3,
                "Gi": 1_073_741_824e3, "Ti": 1_099_511_627_776e3,
            ]
            guard let factor = factors[text.dropFirst(digits.count)] else { return nil }
            self.thousandths = number * factor
        default: return nil
        }
    }
}
