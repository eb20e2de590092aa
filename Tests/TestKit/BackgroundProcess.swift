import Foundation
import Subprocess
import Testing

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// A program that runs beside a test, and what it has said so far.
package struct BackgroundProcess: Sendable {
    package let pid: Int32
    package let logFile: String

    package var log: String { (try? String(contentsOfFile: self.logFile, encoding: .utf8)) ?? "" }

    /// Waits for the first line that contains `text`.
    @discardableResult
    package func line(containing text: String, timeout: Duration = .seconds(20)) async throws -> String {
        try await eventually("'\(text)' in \(self.logFile)", timeout: timeout) {
            self.log.split(separator: "\n").first { $0.contains(text) }.map(String.init)
        }
    }

    package func send(_ signal: Int32) { kill(self.pid, signal) }

    /// Runs `body` while the program runs, then stops the program: politely first, for good ten seconds later.
    package static func with<Value: Sendable>(
        _ program: String, _ arguments: [String], logFile: String, environment: [String: String] = [:],
        _ body: @Sendable (BackgroundProcess) async throws -> Value
    ) async throws -> Value {
        let log = try FileDescriptor.open(
            FilePath(logFile), .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite])
        let result = try await Subprocess.run(
            program.contains("/") ? .path(FilePath(program)) : .name(program), arguments: Arguments(arguments),
            environment: .inherit.updating(
                Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) })),
            input: .none, output: .fileDescriptor(log, closeAfterSpawningProcess: false),
            error: .fileDescriptor(log, closeAfterSpawningProcess: true)
        ) { execution -> Result<Value, any Error> in
            let process = BackgroundProcess(pid: execution.processIdentifier.value, logFile: logFile)
            let outcome: Result<Value, any Error>
            do {
                outcome = .success(try await body(process))
            } catch {
                outcome = .failure(error)
            }
            await execution.teardown(using: [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))])
            return outcome
        }
        return try result.closureResult.get()
    }
}
