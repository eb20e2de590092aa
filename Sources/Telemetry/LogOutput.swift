import FoundationEssentials
package import Logging
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Writes log lines to standard error, each with one `write`, so that lines of several threads never mix.
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    /// The shared level, until somebody gives this logger one of its own.
    package var logLevel: Logger.Level {
        get { self.own ?? self.shared.level }
        set { self.own = newValue }
    }
    private let shared: LogLevel
    private var own: Logger.Level?
    private let format: LogFormat
    private let write: @Sendable (String) -> Void

    package init(level: LogLevel, format: LogFormat, write: @escaping @Sendable (String) -> Void = { writeToStandardError($0) }) {
        self.shared = level
        self.format = format
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var metadata = self.metadata
        if let provided = self.metadataProvider?.get() { metadata.merge(provided) { _, new in new } }
        if let own = event.metadata { metadata.merge(own) { _, new in new } }
        if let error = event.error { metadata["error"] = "\(error)" }
        let line = LogLine(time: Date(), level: event.level, message: event.message.description, metadata: metadata)
        self.write(line.text(self.format))
    }
}

private let standardErrorLock = Mutex(())

package func writeToStandardError(_ line: String) {
    var bytes = Array(line.utf8)[...]
    standardErrorLock.withLock { _ in
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            // Nobody reads our log any more: serving goes on.
            if written <= 0 { return }
            bytes = bytes.dropFirst(written)
        }
    }
}

/// Sets up logging for a program. Call once, first thing in `main`.
package func bootstrapLogging(level: Logger.Level, format: LogFormat) {
    LogLevel.shared.level = level
    LoggingSystem.bootstrap { _ in LineLogHandler(level: .shared, format: format) }
}
