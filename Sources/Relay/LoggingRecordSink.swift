package import Logging
import Routing
import Telemetry

/// Writes each record as one log line.
package struct LoggingRecordSink: ConnectionRecordSink {
    private let logger: Logger

    package init(logger: Logger) { self.logger = logger }

    package func record(_ record: ConnectionRecord) {
        switch record.verdict {
        case .allowed: self.logger.info("Connection closed", metadata: record.metadata)
        case .refused: self.logger.info("Connection refused", metadata: record.metadata)
        }
    }
}

extension ConnectionRecord {
    /// The facts as log metadata; what is unknown is left out.
    package var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [
            "conn.id": "\(self.id)", "listener": "\(self.listener)", "client": "\(self.client)",
            "duration.ms": "\(Int(self.duration.seconds * 1000))",
        ]
        switch self.verdict {
        case .allowed:
            metadata["verdict"] = "allowed"
            metadata["close.reason"] = "\(self.closeReason.rawValue)"
            metadata["bytes.in"] = "\(self.bytesIn)"
            metadata["bytes.out"] = "\(self.bytesOut)"
        case .refused(let reason):
            metadata["verdict"] = "refused"
            metadata["reason"] = "\(reason.rawValue)"
        }
        if let serverName = self.serverName { metadata["sni"] = "\(serverName)" }
        if let origin = self.origin { metadata["route"] = "\(origin)" }
        if let cluster = self.cluster { metadata["cluster"] = "\(cluster)" }
        if let endpoint = self.endpoint { metadata["endpoint"] = "\(endpoint)" }
        if let caller = self.caller { metadata["caller"] = "\(caller)" }
        if let connect = self.connectDuration { metadata["connect.ms"] = "\(Int(connect.seconds * 1000))" }
        if let detail = self.detail { metadata["detail"] = "\(detail)" }
        if self.suppressed > 0 { metadata["suppressed"] = "\(self.suppressed)" }
        return metadata
    }
}
