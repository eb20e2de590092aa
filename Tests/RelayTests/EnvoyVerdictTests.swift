import CLinux
import ClientHello
import Foundation
import Glibc
import Routing
import TestKit
import Testing

@testable import Relay

/// Our reader of hellos against Envoy's `tls_inspector` (BoringSSL) on the same bytes: recorded hellos, hellos that break one
/// rule each, and some hundred damaged ones. Where the two differ, it is on purpose, and stands in the table below.
@Suite(.enabled(if: Peers.has(Peers.envoy), "hack/setup fetches Envoy"))
struct EnvoyVerdictTests {
    /// Ours, Envoy's, and why they differ.
    static let differences: [(ours: String, envoy: String, why: String)] = [
        ("ip_literal_sni", "name", "RFC 6066 forbids it; a route for an address would be a way around the rules for its name."),
        ("invalid_sni", "name", "Envoy routes by bytes no name can have, such as spaces, colons or empty labels."),
        ("empty_sni", "name", "A dot alone: without its trailing dot, which makes no other name to us, nothing is left."),
        (
            "malformed_hello", "name",
            """
            Envoy's inspector reads little but server_name. ALPN, supported_versions, key_share or ECH that break their layout, \
            compression without null, a pre-shared key that is not last: the destination would refuse these, or read them its own way.
            """
        ),
        ("malformed_hello", "incomplete", "Envoy waits for more of what can't become a hello any more, until its time is up."),
        ("not_tls", "incomplete", "As above: the record's major version is not 3."),
        ("hello_too_large", "incomplete", "As above: the length that the hello gives itself is above the limit."),
        ("non_ascii_sni", "name", "Envoy routes by any bytes; two spellings of one name would be two names."),
    ]

    private struct Case {
        let title: String
        let bytes: [UInt8]
    }

    @Test("every difference to Envoy's verdict is one we mean")
    func compare() async throws {
        let cases = try self.recorded() + Self.crafted() + self.damaged()
        let verdicts = try await self.envoyVerdicts(cases)
        var seen: [String: [String]] = [:]
        for (number, input) in cases.enumerated() {
            let (ours, ourName) = Self.verdict(input.bytes)
            let (envoy, envoyName) = verdicts[number]
            if Self.agree(ours, envoy) {
                if ours == "name" { #expect(Self.asLogged(ourName) == Self.trimmed(envoyName), "\(input.title)") }
                continue
            }
            seen["\(ours) | \(envoy)", default: []].append(input.title)
        }
        let known = Set(Self.differences.map { "\($0.ours) | \($0.envoy)" })
        for (difference, found) in seen.sorted(by: { $0.key < $1.key }) where !known.contains(difference) {
            Issue.record("ours | Envoy's: \(difference), \(found.count) times: \(found.prefix(12).joined(separator: "; "))")
        }
        for difference in known.subtracting(seen.keys).sorted() { Issue.record("no input shows \(difference) any more") }
    }

    /// One word, and the name where that is `name`.
    private static func verdict(_ bytes: [UInt8]) -> (String, String) {
        var parser = ClientHelloParser()
        switch parser.parse(bytes.span) {
        case .found(let hello, _): return ("name", hello.serverName.description)
        case .refused(let reason): return (reason.rawValue, "")
        case .needMoreBytes: return ("incomplete", "")
        }
    }

    /// Envoy knows four answers: a name, TLS without a name, not (good) TLS, and not enough.
    private static func agree(_ ours: String, _ envoy: String) -> Bool {
        switch ours {
        case "name", "incomplete", "no_sni": ours == envoy
        // It has one word for whatever it can't use.
        default: envoy == "other"
        }
    }

    /// A trailing dot makes no other name to us; Envoy compares it.
    private static func trimmed(_ name: String) -> String { name.hasSuffix(".") ? String(name.dropLast()) : name }

    /// Envoy's log marks what is no host name.
    private static func asLogged(_ name: String) -> String {
        let text = String(name.map { $0.isLetter || $0.isNumber || $0 == "." || $0 == "-" || $0 == "_" ? $0 : "_" })
        return text == name ? name : "invalid:" + text
    }

    // MARK: Inputs

    private func recorded() throws -> [Case] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "ClientHelloTests/Hellos")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).filter {
            $0.pathExtension == "hex"
        }
        return try files.sorted { $0.path < $1.path }.map { file in
            let digits = String(decoding: try Data(contentsOf: file), as: UTF8.self).compactMap(\.hexDigitValue)
            return Case(
                title: file.lastPathComponent,
                bytes: stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
        }
    }

    private static func crafted() -> [Case] {
        var cases: [Case] = []
        func add(_ title: String, _ change: (inout HelloBuilder) -> Void) {
            var hello = HelloBuilder()
            change(&hello)
            cases.append(Case(title: title, bytes: hello.records()))
        }
        for name in [
            "a.test", "A.Test", "a.test.", "backend{mesh=default}", "x_y,z=1", "10.0.0.1", "::1", "127.1", "a b", "a..b", ".a", "a:443",
            "*.a", "ü",
            "a\u{0}b", "", ".", String(repeating: "a", count: 255), String(repeating: "a", count: 256),
        ] {
            add("the name \(name.debugDescription)") {
                $0.add(serverName: name)
                $0.add(supportedVersions: [0x0304, 0x0303])
            }
        }
        let host = [0] + HelloBuilder.vector16(Array("a.test".utf8))
        add("no extensions at all") { $0.extensions = nil }
        add("no names") { $0.add(serverNames: []) }
        add("two names") { $0.add(serverNames: [Array("a.test".utf8), Array("b.test".utf8)]) }
        add("server_name twice") {
            $0.add(serverName: "a.test")
            $0.add(serverName: "b.test")
        }
        add("another name type first") { $0.add(0, HelloBuilder.vector16([1] + HelloBuilder.vector16([97]) + host)) }
        add("another name type last") { $0.add(0, HelloBuilder.vector16(host + [1] + HelloBuilder.vector16([97]))) }
        for type in [10, 16, 43, 51, 0x5A5A, 0xFE0D] as [UInt16] {
            add("extension \(type) twice") {
                $0.add(serverName: "a.test")
                $0.add(type, [])
                $0.add(type, [])
            }
        }
        add("an unknown extension twice") {
            $0.add(serverName: "a.test")
            $0.add(4000, [])
            $0.add(4000, [])
        }
        add("pre_shared_key that is not last") {
            $0.add(41, [])
            $0.add(serverName: "a.test")
        }
        for (type, data) in [
            (16, [0, 9, 1, 97]), (16, [0, 0]), (43, [3, 3, 4, 3]), (43, []), (51, [0, 9]), (0xFE0D, [2]), (0xFE0D, [0, 1]),
        ]
            as [(UInt16, [UInt8])]
        {
            add("extension \(type) with \(data)") {
                $0.add(serverName: "a.test")
                $0.add(type, data)
            }
        }
        for version in [0x0200, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x0403] as [UInt16] {
            add("legacy_version \(String(version, radix: 16))") {
                $0.version = version
                $0.add(serverName: "a.test")
            }
        }
        add("a session id of 33 bytes") {
            $0.sessionID = Array(repeating: 1, count: 33)
            $0.add(serverName: "a.test")
        }
        add("no cipher suites") {
            $0.cipherSuites = []
            $0.add(serverName: "a.test")
        }
        for methods in [[], [1], [1, 0], [0, 1]] as [[UInt8]] {
            add("compression methods \(methods)") {
                $0.compressionMethods = methods
                $0.add(serverName: "a.test")
            }
            add("compression methods \(methods) with TLS 1.3") {
                $0.compressionMethods = methods
                $0.add(serverName: "a.test")
                $0.add(supportedVersions: [0x0304])
            }
        }
        add("almost 16 KiB") {
            $0.add(21, Array(repeating: 0, count: 16_000))
            $0.add(serverName: "a.test")
        }
        add("above 16 KiB") {
            $0.add(21, Array(repeating: 0, count: 17_000))
            $0.add(serverName: "a.test")
        }
        add("a hundred extensions") {
            $0.add(serverName: "a.test")
            for type in 0..<100 as Range<UInt16> { $0.add(1000 + type, []) }
        }
        let good = HelloBuilder(serverName: "a.test")
        let message = good.message
        for size in [1, 7, 100] { cases.append(Case(title: "records of \(size)", bytes: good.records(fragment: size))) }
        let first = [22, 3, 1] + HelloBuilder.vector16(Array(message[..<20]))
        let rest = [22, 3, 1] + HelloBuilder.vector16(Array(message[20...]))
        cases += [
            Case(title: "an empty record first", bytes: [22, 3, 1, 0, 0] + good.records()),
            Case(title: "an empty record in between", bytes: first + [22, 3, 3, 0, 0] + rest),
            Case(title: "an alert in between", bytes: first + [21, 3, 3, 0, 2, 1, 0] + rest),
            Case(title: "change_cipher_spec in between", bytes: first + [20, 3, 3, 0, 1, 1] + rest),
            Case(title: "another major version in the second record", bytes: first + [22, 2] + rest.dropFirst(2)),
            Case(title: "record version 3.255", bytes: [22, 3, 255] + good.records().dropFirst(3)),
            Case(title: "record version 2.0", bytes: [22, 2, 0] + good.records().dropFirst(3)),
            Case(title: "a byte behind the hello in its record", bytes: [22, 3, 1] + HelloBuilder.vector16(message + [0])),
            Case(title: "another message behind the hello", bytes: [22, 3, 1] + HelloBuilder.vector16(message + message)),
            Case(title: "early data behind the hello", bytes: good.records() + [20, 3, 3, 0, 1, 1, 23, 3, 3]),
            Case(title: "a record above 2^14", bytes: [22, 3, 1, 0x40, 1] + Array(repeating: 1, count: 100)),
            Case(title: "a server_hello", bytes: [22, 3, 1] + HelloBuilder.vector16([2] + message.dropFirst())),
            Case(title: "HTTP", bytes: Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)),
            Case(title: "SSH", bytes: Array("SSH-2.0-OpenSSH\r\n".utf8)),
            Case(title: "SSL 2", bytes: [0x80, 0x2E, 1, 3, 1, 0, 0x15] + Array(repeating: 0, count: 60)),
            Case(title: "an alert", bytes: [21, 3, 3, 0, 2, 2, 70]),
            Case(title: "half of a hello", bytes: Array(good.records().prefix(70))),
            Case(title: "three bytes", bytes: [22, 3, 1]),
        ]
        return cases
    }

    /// The same ones on every run.
    private func damaged() throws -> [Case] {
        var generator = SeededGenerator(seed: 7)
        let originals = try self.recorded()
        return (0..<400).map { round in
            let original = originals[round % originals.count]
            var bytes = original.bytes
            var title = "\(original.title) damaged"
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                let position = Int.random(in: 0..<(Bool.random(using: &generator) ? min(250, bytes.count) : bytes.count), using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: bytes.remove(at: position)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
                }
                title += " at \(position)"
            }
            return Case(title: title, bytes: bytes)
        }
    }

    // MARK: Envoy

    private func envoyVerdicts(_ cases: [Case]) async throws -> [(String, String)] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "egret-envoy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let port = try freePort()
        let log = folder.appending(path: "verdicts").path
        try Data(Self.configuration(port, log).utf8).write(to: folder.appending(path: "envoy.yaml"))
        let arguments = [
            "-c", folder.appending(path: "envoy.yaml").path, "--concurrency", "1", "--disable-hot-restart", "-l", "warning",
            "--file-flush-interval-msec", "50",
        ]
        return try await BackgroundProcess.with(Peers.envoy, arguments, logFile: folder.appending(path: "log").path) { _ in
            try await eventually("Envoy listens") { try? await onThread { try TestSocket.connect(port: port).close() } }
            // They stay open: Envoy takes an end for an end, even behind a whole hello. It gives up on incomplete ones by itself.
            let all = cases.map(\.bytes)
            let clients = try await onThread {
                try all.map { bytes in
                    let client = try TestSocket.connect(port: port)
                    // It may have answered and gone before all of it is there.
                    try? client.send(bytes)
                    return client
                }
            }
            defer { for client in clients { client.close() } }
            let wanted = clients.map { client in
                var storage = sockaddr_storage()
                _ = cl_local_address(client.fd, &storage)
                return IPEndpoint(storage).port
            }
            return try await eventually("a verdict on each of \(cases.count)") {
                let lines = (try? String(decoding: Data(contentsOf: URL(filePath: log)), as: UTF8.self)) ?? ""
                var verdicts: [UInt16: (String, String)] = [:]
                for line in lines.split(separator: "\n") {
                    let words = line.split(separator: " ", maxSplits: 2).map(String.init)
                    guard words.count == 3, let port = UInt16(words[0]) else { continue }
                    let isNamed = words[2] != "-"
                    // No filter chain: its TLS library refused the hello, or the time was up before there was one.
                    let refused = words[1] == "other" || words[1] == "-" && isNamed
                    verdicts[port] = (refused ? "other" : words[1] == "-" ? "incomplete" : isNamed ? "name" : "no_sni", words[2])
                }
                let all = wanted.compactMap { verdicts[$0] }
                return all.count == wanted.count ? all : nil
            }
        }
    }

    private static func configuration(_ port: UInt16, _ log: String) -> String {
        func chain(_ name: String, _ match: String) -> String {
            """
                - name: \(name)
                  filter_chain_match: {\(match)}
                  filters:
                  - name: answer
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config
                      response: {inline_string: \(name)}
            """
        }
        return """
            static_resources:
              listeners:
              - name: inspected
                address: {socket_address: {address: 127.0.0.1, port_value: \(port)}}
                listener_filters_timeout: 2s
                listener_filters:
                - name: inspector
                  typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}
                access_log:
                - name: verdicts
                  typed_config:
                    "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                    path: \(log)
                    log_format:
                      text_format_source: {inline_string: "%DOWNSTREAM_REMOTE_PORT% %FILTER_CHAIN_NAME% %REQUESTED_SERVER_NAME%\\n"}
                filter_chains:
            \(chain("tls", "transport_protocol: tls"))
            \(chain("other", ""))

            """
    }
}
