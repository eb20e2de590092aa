import CurlTransport
import Foundation
import JSONModel
import Synchronization
import TestKit
import Testing

/// The real program, killed while it writes.
@Suite("A killed control plane")
struct KilledStoreTests {
    /// What writers were told is stored, and what they tried last: by name, a number each.
    private final class Accepted: Sendable {
        struct Number {
            var accepted: Int?
            var tried: Int
        }

        private let numbers = Mutex<[String: Number]>([:])

        func trying(_ name: String, _ number: Int) { self.numbers.withLock { $0[name, default: Number(tried: number)].tried = number } }

        func record(_ name: String, _ number: Int) { self.numbers.withLock { $0[name]?.accepted = number } }

        var all: [String: Number] { self.numbers.withLock { $0 } }
    }

    @Test("Whatever a kill -9 interrupts, no accepted write is lost, and the next start finds a sound store")
    func killed() async throws {
        let folder = NSTemporaryDirectory() + "egret-killed-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let accepted = Accepted()
        for round in 0..<4 {
            let pause = Duration.milliseconds(Int.random(in: 20...400))
            try await Self.with(folder, round) { url, kill in
                try await Self.check(accepted, url)
                try await withThrowingTaskGroup { group in
                    for writer in 0..<3 { group.addTask { await Self.write(accepted, url, writer: writer, round: round) } }
                    try await Task.sleep(for: pause)
                    kill()
                    try await group.waitForAll()
                }
            }
        }
        #expect(accepted.all.values.contains { $0.accepted != nil })
        try await Self.with(folder, 4) { url, _ in try await Self.check(accepted, url) }
    }

    /// Runs the program until `body` returns.
    private static func with(
        _ folder: String, _ round: Int, _ body: @Sendable @escaping (_ url: String, _ kill: @Sendable () -> Void) async throws -> Void
    ) async throws {
        let arguments = [
            "run", "--mode=universal", "--bind-address=127.0.0.1", "--store-file=\(folder)/egret.db", "--proxy-port=0", "--api-port=0",
            "--api-tls-port=0", "--diagnostics-port=0",
        ]
        try await BackgroundProcess.with(
            Repository.program("egret-cp"), arguments, logFile: "\(folder)/\(round).log"
        ) { process in
            let line = try await process.line(containing: "tls=false")
            let port = try #require(line.split(separator: " ").first { $0.hasPrefix("port=") }).dropFirst(5)
            try await body("http://127.0.0.1:\(port)") { process.send(SIGKILL) }
        }
    }

    /// New resources and new versions of old ones, one after the other, until the program is gone.
    private static func write(_ accepted: Accepted, _ url: String, writer: Int, round: Int) async {
        let transport = CurlTransport()
        defer { transport.shutDown() }
        for number in 1... {
            for name in ["egress-\(writer)", "egress-\(writer)-\(round)-\(number)"] {
                let value = 1 + (round * 10_000 + number) % 60_000
                accepted.trying(name, value)
                let body: JSON = [
                    "type": "ZoneEgress", "name": .string(name), "networking": ["port": 10002, "admin": ["port": JSON(value)]],
                ]
                let request = HTTPRequest("PUT", "\(url)/zoneegresses/\(name)", body: Array(body.data), proxy: .none, isIdempotent: false)
                guard let answer = try? await transport.send(request) else { return }
                #expect(answer.isSuccess, "\(answer.text)")
                accepted.record(name, value)
            }
        }
    }

    /// Each is there with the number that was accepted last, or with the one tried last, whose answer the kill may have cut off.
    private static func check(_ accepted: Accepted, _ url: String) async throws {
        let transport = CurlTransport()
        defer { transport.shutDown() }
        var stored: [String: Int] = [:]
        var next: String? = "/zoneegresses?size=1000"
        while let page = next {
            let json = try JSON(parsing: try await transport.send(HTTPRequest("GET", url + page, proxy: .none)).text)
            for item in json["items"]?.array ?? [] { stored[item["name"]?.string ?? ""] = item.at("networking", "admin", "port")?.int }
            next = json["next"]?.string
        }
        for (name, number) in accepted.all {
            #expect(stored[name] == number.accepted || stored[name] == number.tried, "\(name): \(number)")
        }
    }
}
