import ClientHello
import Routing

/// Lines: routes, each with its patterns separated by spaces; an empty line; names. Each name gets the route that a plain search finds.
func fuzzRouting(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).prefix(400)
    let middle = lines.firstIndex { $0.isEmpty } ?? lines.endIndex
    let routes = lines[..<middle].enumerated().map { position, line in
        Route(
            sni: line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }, action: .passthrough(cluster: "c"),
            origin: "\(position)")
    }
    let (table, errors) = RouteTable.compile(routes, listener: "egress")
    for error in errors { precondition(!error.message.isEmpty) }
    let patterns = routes.enumerated().flatMap { position, route in
        route.sni.compactMap { text in (try? NamePattern(text)).map { (pattern: $0, position: position) } }
    }
    for line in lines[middle...] {
        guard let name = try? ServerName(String(decoding: line, as: UTF8.self)) else { continue }
        let found = table.match(name)
        let expected = search(name.description, patterns)
        precondition(found == expected, "\(name): \(String(describing: found)), not \(String(describing: expected))")
    }
}

/// Exact before the longest suffix before any; the first of equals.
private func search(_ name: String, _ patterns: [(pattern: NamePattern, position: Int)]) -> Int? {
    var best: (rank: Int, position: Int)?
    for (pattern, position) in patterns {
        let rank: Int
        switch pattern {
        case .exact(let exact): rank = exact.description == name ? 1000 : -1
        case .suffix(let suffix):
            let end = ".\(suffix)"
            rank = name.hasSuffix(end) && name.utf8.count > end.utf8.count ? suffix.description.utf8.count : -1
        case .any: rank = 0
        }
        if rank >= 0, rank > best?.rank ?? -1 { best = (rank, position) }
    }
    return best?.position
}
