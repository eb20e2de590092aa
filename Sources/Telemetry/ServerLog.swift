package import Logging

extension Logger {
    /// For an HTTP server of Hummingbird: what it says of every start and request is left out, and so is what it calls an error when
    /// it is told to stop, which people would take for one.
    package var ofServer: Logger {
        var logger = self
        logger.handler = ServerLog(inner: self.handler)
        logger.logLevel = max(.notice, self.logLevel)
        return logger
    }
}

private struct ServerLog: LogHandler {
    var inner: any LogHandler

    /// Hummingbird says both only while it stops: connections are cut under its hands, or its listener is closed already.
    private static let partings = ["Waiting on child channel: ", "Server shutdown error: "]

    func log(event: LogEvent) {
        if Self.partings.contains(where: { event.message.description.hasPrefix($0) }) { return }
        self.inner.log(event: event)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.inner[metadataKey: key] }
        set { self.inner[metadataKey: key] = newValue }
    }

    var metadata: Logger.Metadata {
        get { self.inner.metadata }
        set { self.inner.metadata = newValue }
    }

    var logLevel: Logger.Level {
        get { self.inner.logLevel }
        set { self.inner.logLevel = newValue }
    }
}
