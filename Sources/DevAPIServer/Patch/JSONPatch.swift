import JSONModel

/// RFC 6902.
enum JSONPatch {
    static func apply(_ patch: JSON, to target: JSON) throws(APIError) -> JSON {
        guard case .array(let operations) = patch else { throw .badRequest("a JSON patch is a list of operations") }
        var document = target
        for (index, operation) in operations.enumerated() {
            guard let name = operation["op"]?.string, let path = operation["path"]?.string.flatMap(Self.tokens) else {
                throw .badRequest("operation \(index) of the JSON patch needs op and a path that starts with /")
            }
            let value = operation["value"] ?? .null
            switch name {
            case "add": document = try Self.edit(document, path[...], index) { .insert($0, value) }
            case "remove": document = try Self.edit(document, path[...], index) { _ in .remove }
            case "replace": document = try Self.edit(document, path[...], index) { _ in .replace(value) }
            case "test":
                guard Self.find(path, in: document) ?? .null == value else {
                    throw Self.unprocessable("testing value \(operation["path"]?.string ?? "") failed: test failed")
                }
            case "move", "copy":
                guard let from = operation["from"]?.string.flatMap(Self.tokens), let moved = Self.find(from, in: document) else {
                    throw Self.unprocessable("operation \(index): nothing is at \(operation["from"]?.string ?? "its missing from")")
                }
                if name == "move" { document = try Self.edit(document, from[...], index) { _ in .remove } }
                document = try Self.edit(document, path[...], index) { .insert($0, moved) }
            default: throw .badRequest("operation \(index) of the JSON patch: unknown op \"\(name)\"")
            }
        }
        return document
    }

    private enum Edit {
        case insert(Bool, JSON)
        case remove
        case replace(JSON)
    }

    private static func unprocessable(_ message: String) -> APIError {
        // The cause is for our log alone: a real server keeps it to itself.
        APIError(code: 422, reason: "Invalid", message: "the server rejected our request due to an error in our request", details: [:])
    }

    private static func tokens(_ path: String) -> [String]? {
        if path.isEmpty { return [] }
        guard path.first == "/" else { return nil }
        return path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            .map { String($0.replacing("~1", with: "/").replacing("~0", with: "~")) }
    }

    private static func find(_ path: [String], in document: JSON) -> JSON? {
        var value = document
        for token in path {
            switch value {
            case .object(let members): guard let next = members[token] else { return nil }; value = next
            case .array(let elements):
                guard let index = Int(token), elements.indices.contains(index) else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }

    private static func edit(
        _ document: JSON, _ path: ArraySlice<String>, _ operation: Int, _ make: (Bool) -> Edit
    ) throws(APIError) -> JSON {
        guard let token = path.first else {
            switch make(false) {
            case .insert(_, let value), .replace(let value): return value
            case .remove: return .null
            }
        }
        let isLast = path.count == 1
        let missing = Self.unprocessable("operation \(operation): the path has no member \"\(token)\"")
        switch document {
        case .object(var members):
            if isLast {
                switch make(false) {
                case .insert(_, let value): members[token] = value
                case .replace(let value):
                    guard members[token] != nil else { throw missing }
                    members[token] = value
                case .remove:
                    guard members.removeValue(forKey: token) != nil else { throw missing }
                }
            } else {
                guard let child = members[token] else { throw missing }
                members[token] = try Self.edit(child, path.dropFirst(), operation, make)
            }
            return .object(members)
        case .array(var elements):
            let index = token == "-" ? elements.count : Int(token) ?? -1
            if isLast {
                switch make(true) {
                case .insert(_, let value):
                    guard index >= 0, index <= elements.count else { throw missing }
                    elements.insert(value, at: index)
                case .replace(let value):
                    guard elements.indices.contains(index) else { throw missing }
                    elements[index] = value
                case .remove:
                    guard elements.indices.contains(index) else { throw missing }
                    elements.remove(at: index)
                }
            } else {
                guard elements.indices.contains(index) else { throw missing }
                elements[index] = try Self.edit(elements[index], path.dropFirst(), operation, make)
            }
            return .array(elements)
        default: throw missing
        }
    }
}
