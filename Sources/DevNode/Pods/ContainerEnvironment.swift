/// A container's environment and command line: what its spec says, with every reference resolved.
struct ContainerEnvironment: Hashable, Sendable {
    private(set) var values: [String: String]

    /// - Parameter base: what the kubelet itself gives (PATH, KUBERNETES_SERVICE_HOST …); the container's own entries win.
    init(_ container: ContainerSpec, in context: PodContext, base: [String: String]) throws(ContainerProblem) {
        self.values = base
        for source in container.environmentSources {
            guard let keys = context.objects[source.object] else {
                if source.optional { continue }
                throw .config("\(source.object.kind.rawValue.lowercased()) \"\(source.object.name)\" not found")
            }
            for (key, bytes) in keys where Self.isName(key) {
                self.values[source.prefix + key] = String(decoding: bytes, as: UTF8.self)
            }
        }
        for entry in container.environment {
            guard let bytes = try context.value(entry.value, asking: container) else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            if case .literal = entry.value {
                self.values[entry.name] = self.expand(text)
            } else {
                self.values[entry.name] = text
            }
        }
    }

    private static func isName(_ key: String) -> Bool {
        !key.isEmpty && key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "=") }
    }

    /// Replaces `$(NAME)` by the value known so far. An unknown name stays as written, `$$(NAME)` is an escaped `$(NAME)`.
    func expand(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                result += "$"
                rest.removeFirst()
            } else if rest.first == "(", let close = rest.firstIndex(of: ")") {
                let name = String(rest[rest.index(after: rest.startIndex)..<close])
                result += self.values[name] ?? "$(\(name))"
                rest = rest[rest.index(after: close)...]
            } else {
                result += "$"
            }
        }
        return result + rest
    }
}
