package import ClientHello

/// A listener's routes, compiled: exact names before the longest suffix before any; the first of equals wins. Names are
/// compared in lower case without a trailing dot, which is how `ServerName` and `NamePattern` hold them.
package struct RouteTable: Sendable {
    private var exact: NameIndex
    private var suffixes: NameIndex
    private var any: Int?

    /// Compiles what is good of `routes` and names the rest. Values are positions in `routes`.
    package static func compile(_ routes: [Route], listener: String) -> (table: RouteTable, errors: [ItemError]) {
        var errors: [ItemError] = []
        let count = routes.reduce(0) { $0 + $1.sni.count }
        var table = RouteTable(capacity: count)
        for (position, route) in routes.enumerated() {
            let item = "route \(route.origin)"
            if route.sni.isEmpty {
                errors.append(ItemError(item: item, message: "The route of listener \(listener) names no server name; it matches nothing."))
            }
            for text in route.sni {
                do throws(InvalidPattern) {
                    table.add(try NamePattern(text), position)
                } catch {
                    let message = "The server name \"\(text)\" of listener \(listener) \(error.problem). It is ignored."
                    errors.append(ItemError(item: item, message: message))
                }
            }
        }
        return (table, errors)
    }

    private init(capacity: Int) {
        self.exact = NameIndex(capacity: capacity)
        self.suffixes = NameIndex(capacity: capacity)
    }

    private mutating func add(_ pattern: NamePattern, _ position: Int) {
        switch pattern {
        case .exact(let name): _ = name.withUnsafeBytes { self.exact.insert($0, position) }
        case .suffix(let name): _ = name.withUnsafeBytes { self.suffixes.insert($0, position) }
        case .any: self.any = self.any ?? position
        }
    }

    /// The position of the route for `name`.
    package func match(_ name: ServerName) -> Int? { name.withUnsafeBytes { self.match($0) } }

    /// The same for the bytes of a `ServerName` that was matched before.
    ///
    /// One walk from the last byte to the first, so that suffixes come by from the shortest to the longest.
    package func match(_ name: UnsafeRawBufferPointer) -> Int? {
        var hash = NameIndex.Hash()
        var best = self.any
        for index in stride(from: name.count - 1, through: 0, by: -1) {
            // A suffix needs a label in front of its dot.
            if name[index] == UInt8(ascii: "."), index > 0,
                let found = self.suffixes.find(UnsafeRawBufferPointer(rebasing: name[(index + 1)...]), hash)
            {
                best = found
            }
            hash.combine(name[index])
        }
        return self.exact.find(name, hash) ?? best
    }
}
