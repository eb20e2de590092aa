import Subprocess

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// One run of a program to its end.
package struct CommandResult: Sendable, CustomStringConvertible {
    package var line: String
    /// The exit code, or 128 plus the signal that ended it.
    package var status: Int
    package var output: String
    package var errors: String

    package var description: String { "$ \(self.line)\n\(self.output)\(self.errors)(exit \(self.status))" }
}

package struct CommandFailed: Error, CustomStringConvertible {
    package var result: CommandResult

    package init(result: CommandResult) { self.result = result }

    package var description: String { "\(self.result)" }
}

package enum Command {
    /// Runs a program and collects what it says. A failing exit code is a result like any other.
    package static func run(
        _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) async throws -> CommandResult {
        let result = try await Subprocess.run(
            program.contains("/") ? .path(FilePath(program)) : .name(program), arguments: Arguments(arguments),
            environment: .inherit.updating(
                Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) })),
            input: .string(input), output: .string(limit: 16 << 20), error: .string(limit: 16 << 20))
        let status =
            switch result.terminationStatus {
            case .exited(let code): Int(code)
            case .signaled(let signal): 128 + Int(signal)
            }
        return CommandResult(
            line: ([program] + arguments).joined(separator: " "), status: status, output: result.standardOutput,
            errors: result.standardError)
    }

    /// Runs a program that has to succeed, and returns its output.
    @discardableResult
    package static func output(
        _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) async throws -> String {
        let result = try await self.run(program, arguments, input: input, environment: environment)
        guard result.status == 0 else { throw CommandFailed(result: result) }
        return result.output
    }
}
