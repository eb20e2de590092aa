import FoundationEssentials
import Relay
import Routing
import Telemetry

/// What the proxy counts beside the engine's own numbers.
final class ProxyMetrics: Sendable {
    let connected: Gauge
    private let clusterConnections: LabelledInstruments<Counter>
    private let clusterBytes: LabelledInstruments<Counter>
    private let duration: Histogram

    init(_ registry: MetricsRegistry) {
        self.connected = registry.gauge("egret_control_plane_connected", help: "1 while the config stream is open.")
        self.clusterConnections = registry.counters(
            "egret_cluster_connections_total", help: "Ended client connections by cluster, verdict and reason.",
            labels: ["cluster", "verdict", "reason"])
        self.clusterBytes = registry.counters(
            "egret_cluster_bytes_total", help: "Bytes relayed by cluster: in is client to upstream, out the way back.",
            labels: ["cluster", "direction"])
        self.duration = registry.histogram("egret_connection_seconds", help: "How long allowed connections were open.")
    }

    func count(_ record: ConnectionRecord) {
        let cluster = record.cluster ?? ""
        switch record.verdict {
        case .allowed:
            self.clusterConnections.with(cluster, "allowed", "").add()
            self.duration.observe(record.duration)
        case .refused(let reason):
            self.clusterConnections.with(cluster, "refused", reason.rawValue).add(1 + UInt64(record.suppressed))
        }
        if record.bytesIn > 0 { self.clusterBytes.with(cluster, "in").add(record.bytesIn) }
        if record.bytesOut > 0 { self.clusterBytes.with(cluster, "out").add(record.bytesOut) }
    }
}

/// Logs each record and counts it.
struct ProxyRecords: ConnectionRecordSink {
    let log: LoggingRecordSink
    let metrics: ProxyMetrics

    func record(_ record: ConnectionRecord) {
        self.metrics.count(record)
        self.log.record(record)
    }
}
