/// One file of a projected volume.
struct VolumeFile: Hashable, Sendable {
    var bytes: [UInt8]
    var mode: Int
}

/// The files of a projected volume, as a value: the same facts always give the same files, so a refresh writes only when
/// something changed.
enum VolumeFiles {
    /// A token that must be asked for before the files can be rendered.
    struct TokenRequest: Hashable, Sendable {
        var audience: String?
        var lifetime: Duration
    }

    static func tokens(_ projections: [VolumeSpec.Projection]) -> [TokenRequest] {
        projections.compactMap {
            if case .token(let audience, let lifetime, _) = $0 { TokenRequest(audience: audience, lifetime: lifetime) } else { nil }
        }
    }

    static func render(
        _ projections: [VolumeSpec.Projection], mode: Int, in context: PodContext, tokens: [TokenRequest: String]
    ) throws(ContainerProblem) -> [String: VolumeFile] {
        var files: [String: VolumeFile] = [:]
        for projection in projections {
            switch projection {
            case .object(let object, let items, let optional):
                try Self.add(object, items, optional, mode: mode, context, to: &files)
            case .fields(let fields):
                for field in fields {
                    let bytes = try context.value(field.value, asking: nil) ?? []
                    files[try Self.safe(field.path)] = VolumeFile(bytes: bytes, mode: field.mode ?? mode)
                }
            case .token(let audience, let lifetime, let path):
                guard let token = tokens[TokenRequest(audience: audience, lifetime: lifetime)] else {
                    throw .config("the service account's token has not been issued yet")
                }
                files[try Self.safe(path)] = VolumeFile(bytes: Array(token.utf8), mode: mode)
            }
        }
        return files
    }

    private static func add(
        _ object: DataObject, _ items: [VolumeSpec.KeyPath]?, _ optional: Bool, mode: Int, _ context: PodContext,
        to files: inout [String: VolumeFile]
    ) throws(ContainerProblem) {
        let kind = object.kind.rawValue
        guard let keys = context.objects[object] else {
            if optional { return }
            throw .config("MountVolume.SetUp failed: \(kind.lowercased()) \"\(object.name)\" not found")
        }
        guard let items else {
            for (key, bytes) in keys { files[try Self.safe(key)] = VolumeFile(bytes: bytes, mode: mode) }
            return
        }
        for item in items {
            guard let bytes = keys[item.key] else {
                if optional { continue }
                throw .config("MountVolume.SetUp failed: \(kind) \(context.namespace)/\(object.name) has no key \(item.key)")
            }
            files[try Self.safe(item.path)] = VolumeFile(bytes: bytes, mode: item.mode ?? mode)
        }
    }

    /// A relative path that stays inside its volume and off the names the atomic swap uses.
    private static func safe(_ path: String) throws(ContainerProblem) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.hasPrefix("/"), !path.hasPrefix(".."), parts.allSatisfy({ !$0.isEmpty && $0 != ".." && $0 != "." }) else {
            throw .config("\"\(path)\" is not a path inside a volume; write a relative path without \"..\"")
        }
        return path
    }
}
