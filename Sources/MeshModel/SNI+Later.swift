/// `a<16 hex FNV-1a 64>.<name>.<port>.<mesh>.<kind>` of 2.8. The hash covers name, mesh and extra tags, not port and kind;
/// the leading `a` makes the first label begin with a letter.
package struct HashSNI: Hashable, Sendable {
    package enum Kind: String, Sendable { case service = "ms", external = "mes", multiZone = "mzms" }

    package let hash: UInt64
    /// As shown: names and meshes over 62 characters are cut there and end in `x`.
    package let name: String
    package let port: UInt16
    package let mesh: String
    package let kind: Kind

    package init(name: String, mesh: String, port: UInt16, kind: Kind, tags: [String: String] = [:]) {
        let pairs = tags.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        self.hash = FNV1a.hash("\(name);\(mesh);\(pairs)")
        self.name = Self.shown(name)
        self.port = port
        self.mesh = Self.shown(mesh)
        self.kind = kind
    }

    /// Nil for anything else: the form is recognised by its shape.
    package init?(parsing text: String) {
        // A name may hold dots (`backend.namespace`), so it is what remains in the middle.
        let labels = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard labels.count >= 5, labels[0].utf8.count == 17, labels[0].hasPrefix("a"),
            labels[0].dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let hash = UInt64(labels[0].dropFirst(), radix: 16),
            let kind = Kind(rawValue: labels[labels.count - 1]), let port = UInt16(labels[labels.count - 3])
        else { return nil }
        self.hash = hash
        self.name = labels[1..<(labels.count - 3)].joined(separator: ".")
        self.port = port
        self.mesh = labels[labels.count - 2]
        self.kind = kind
    }

    package var text: String {
        "a\(FNV1a.hex(self.hash)).\(self.name).\(self.port).\(self.mesh).\(self.kind.rawValue)"
    }

    private static func shown(_ name: String) -> String { name.count > 62 ? name.prefix(62) + "x" : name }
}

/// `sni.<kind>.<mesh>[.<zone>[.<namespace>]].<name>.<section>` of 2.14: legal labels at fixed places.
package struct ResourceSNI: Hashable, Sendable {
    package enum Kind: String, Sendable { case service = "msvc", external = "extsvc", multiZone = "mzsvc" }

    package let kind: Kind
    package let mesh: String
    package let zone: String?
    package let namespace: String?
    package let name: String
    package let section: String

    /// The longest host name DNS allows.
    private static let maxCharacters = 253

    package init(
        kind: Kind, mesh: String, zone: String? = nil, namespace: String? = nil, name: String, section: String
    ) throws(Violation) {
        guard !mesh.isEmpty, !name.isEmpty, !section.isEmpty else {
            throw Violation(field: "sni", message: "mesh, name and sectionName must be non-empty")
        }
        self.kind = kind
        self.mesh = mesh
        self.zone = zone?.isEmpty == false ? zone : nil
        self.namespace = self.zone != nil && namespace?.isEmpty == false ? namespace : nil
        self.name = name
        self.section = section
        let text = self.text
        guard text.utf8.count <= Self.maxCharacters else {
            throw Violation(
                field: "sni",
                message: "computed SNI is \(text.utf8.count) characters which exceeds the DNS hostname limit (\(Self.maxCharacters))")
        }
    }

    package init(parsing text: String) throws(Violation) {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard (5...7).contains(labels.count), labels[0] == "sni", let kind = Kind(rawValue: labels[1]) else {
            throw Violation(
                field: "sni",
                message: "\"\(text)\" is not of the form sni.<msvc|extsvc|mzsvc>.<mesh>[.<zone>[.<namespace>]].<name>.<section>")
        }
        try self.init(
            kind: kind, mesh: labels[2], zone: labels.count > 5 ? labels[3] : nil, namespace: labels.count > 6 ? labels[4] : nil,
            name: labels[labels.count - 2], section: labels[labels.count - 1])
    }

    package var text: String {
        (["sni", self.kind.rawValue, self.mesh] + [self.zone, self.namespace].compactMap(\.self) + [self.name, self.section])
            .joined(separator: ".")
    }
}
