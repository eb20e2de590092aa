import Foundation
import Synchronization

/// A folder of a test, removed with it.
final class Folder: Sendable {
    private let url: URL

    init() throws {
        self.url = FileManager.default.temporaryDirectory.appendingPathComponent("egret-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.url, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { self.url.appendingPathComponent(name).path }

    func write(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: self.path(name)))
        return self.path(name)
    }

    deinit { try? FileManager.default.removeItem(at: self.url) }
}

/// A running `openssl`, its output collected.
final class OpenSSL: Sendable {
    private let process: Mutex<Process>
    private let output = Mutex("")
    private let changed: AsyncStream<Void>
    private let input = Pipe()

    init(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardInput = self.input
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        let (changed, continuation) = AsyncStream<Void>.makeStream()
        self.changed = changed
        self.process = Mutex(process)
        let reading = pipe.fileHandleForReading
        let take: @Sendable (Data) -> Void = { [weak self] data in self?.output.withLock { $0 += String(decoding: data, as: UTF8.self) } }
        try process.run()
        Thread {
            while case let data = reading.availableData, !data.isEmpty {
                take(data)
                continuation.yield()
            }
            continuation.finish()
        }.start()
    }

    /// The output as soon as it holds `text`, or all of it.
    func output(until text: String?) async -> String {
        if let text, self.output.withLock({ $0.contains(text) }) { return self.output.withLock { $0 } }
        for await _ in self.changed {
            if let text, self.output.withLock({ $0.contains(text) }) { break }
        }
        return self.output.withLock { $0 }
    }

    func say(_ text: String) { try? self.input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }

    func endInput() { try? self.input.fileHandleForWriting.close() }

    func stop() { self.process.withLock { $0.terminate() } }

    deinit { self.stop() }
}

/// Runs an `openssl` client until it has printed `text` (its input stays open until then) or has ended by itself.
func openssl(_ arguments: [String], until text: String?) async throws -> String {
    let process = try OpenSSL(arguments)
    _ = await process.output(until: text)
    process.endInput()
    return await process.output(until: nil)
}
