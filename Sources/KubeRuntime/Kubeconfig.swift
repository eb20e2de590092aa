internal import JSONModel

/// The named parts of one or more kubeconfig files, not yet judged: only the parts a context uses must be right.
struct Kubeconfig {
    /// An entry of `clusters`, `users` or `contexts`, with the file it is from: relative paths start at its folder.
    struct Entry {
        var name: String
        var value: JSON
        var file: String

        var folder: String {
            guard let slash = self.file.lastIndex(of: "/") else { return "." }
            return slash == self.file.startIndex ? "/" : String(self.file[..<slash])
        }

        func resolve(_ path: String) -> String { path.hasPrefix("/") ? path : "\(self.folder)/\(path)" }
    }

    var path: String
    var currentContext: String?
    var clusters: [Entry]
    var users: [Entry]
    var contexts: [Entry]

    init(_ document: JSON, path: String) throws(KubeconfigError) {
        guard document.isNull || document.object != nil else {
            throw KubeconfigError("the kubeconfig \(path) is no mapping but \(document.typeName): is it the right file?")
        }
        if let kind = document["kind"]?.string, kind != "Config" {
            throw KubeconfigError("\(path) is no kubeconfig: its kind is \(kind), not Config")
        }
        self.path = path
        self.currentContext = document["current-context"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        self.clusters = try Self.entries("clusters", "cluster", document, path)
        self.users = try Self.entries("users", "user", document, path)
        self.contexts = try Self.entries("contexts", "context", document, path)
    }

    private static func entries(
        _ list: String, _ member: String, _ document: JSON, _ path: String
    ) throws(KubeconfigError) -> [Entry] {
        guard let value = document[list], !value.isNull else { return [] }
        guard let elements = value.array else { throw KubeconfigError("\(path): \(list) must be a list, not \(value.typeName)") }
        var entries: [Entry] = []
        for (index, element) in elements.enumerated() {
            guard let name = element["name"]?.string, !name.isEmpty else { throw KubeconfigError("\(path): \(list)[\(index)] has no name") }
            let body = element[member] ?? .null
            guard body.isNull || body.object != nil else {
                throw KubeconfigError("\(path): \(list)[\(index)].\(member) of \"\(name)\" must be a mapping, not \(body.typeName)")
            }
            entries.append(Entry(name: name, value: body, file: path))
        }
        return entries
    }

    func merging(_ next: Kubeconfig) -> Kubeconfig {
        func join(_ mine: [Entry], _ theirs: [Entry]) -> [Entry] {
            mine + theirs.filter { entry in !mine.contains { $0.name == entry.name } }
        }
        var merged = self
        merged.path += ":\(next.path)"
        merged.currentContext = self.currentContext ?? next.currentContext
        merged.clusters = join(self.clusters, next.clusters)
        merged.users = join(self.users, next.users)
        merged.contexts = join(self.contexts, next.contexts)
        return merged
    }
}
