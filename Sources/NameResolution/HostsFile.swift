import Glibc
import Routing

/// `/etc/hosts`, hosts(5): an address and its names per line, `#` begins a comment. It wins over DNS.
struct HostsFile: Sendable {
    private var addresses: [String: [IPEndpoint]] = [:]

    init() {}

    init(path: String) { self.init(parsing: Self.read(path)) }

    /// Lines that make no sense are passed over, as everybody does.
    init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, let address = IPEndpoint(address: String(first), port: 0) else { continue }
            for name in words.dropFirst() {
                let name = name.lowercased()
                if self.addresses[name]?.contains(address) != true { self.addresses[name, default: []].append(address) }
            }
        }
    }

    /// Of a name in lower case. `localhost` and names under it are the loopback whatever the file says nothing about (RFC 6761
    /// section 6.3): they never go to a DNS server.
    subscript(name: String) -> [IPEndpoint] {
        let name = name.hasSuffix(".") ? String(name.dropLast()) : name
        if let known = self.addresses[name] { return known }
        guard name == "localhost" || name.hasSuffix(".localhost") else { return [] }
        return ["127.0.0.1", "::1"].compactMap { IPEndpoint(address: $0, port: 0) }
    }

    /// The text of a small file; empty where there is none.
    private static func read(_ path: String) -> String {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return "" }
        defer { _ = close(fd) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65536)
        // Lists of blocked names have megabytes; beyond this nothing is a hosts file.
        while bytes.count < 16 << 20 {
            let count = Glibc.read(fd, &part, part.count)
            if count <= 0 { break }
            bytes += part.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
