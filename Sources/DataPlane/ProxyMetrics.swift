import Relay
import Routing
import Telemetry

/// What the proxy counts beside the engine's own numbers. Called on worker threads, once per connection.
final class ProxyMetrics: Sendable {
    /// Everything counted about one cluster: found once per connection, then plain atomic additions.
    final class ClusterCounts: Sendable {
        let allowed = Counter()
        let refused = RefusalReason.allCases.map { _ in Counter() }
        let bytesIn = Counter()
        let bytesOut = Counter()
    }

    private static let positions = Dictionary(
        uniqueKeysWithValues: RefusalReason.allCases.enumerated().map { ($0.element, $0.offset) })

    private let clusters: LabelledInstruments<ClusterCounts>
    private let duration: Histogram

    init(_ registry: MetricsRegistry) {
        let clusters = registry.instruments("egret_cluster_connections_total", labels: ["cluster"]) { ClusterCounts() }
        self.clusters = clusters
        self.duration = registry.histogram("egret_connection_seconds", help: "How long allowed connections were open.")
        registry.collect { Self.families(clusters.all()) }
    }

    func count(_ record: ConnectionRecord) {
        let counts = self.clusters.with(record.cluster ?? "")
        switch record.verdict {
        case .allowed:
            counts.allowed.add()
            self.duration.observe(record.duration)
        case .refused(let reason):
            if let position = Self.positions[reason] { counts.refused[position].add(1 + UInt64(record.suppressed)) }
        }
        if record.bytesIn > 0 { counts.bytesIn.add(record.bytesIn) }
        if record.bytesOut > 0 { counts.bytesOut.add(record.bytesOut) }
    }

    /// Forgets clusters that are gone, so that their series end and make room.
    func keep(only clusters: [Cluster]) {
        let named = Set(clusters.map(\.name))
        for (values, _) in self.clusters.all()
        where !named.contains(values[0]) && values[0] != "" && values[0] != type(of: self.clusters).other {
            self.clusters.remove(values)
        }
    }

    private static func families(_ clusters: [(values: [String], instrument: ClusterCounts)]) -> [MetricFamily] {
        typealias Label = MetricFamily.Label
        var connections: [MetricFamily.Sample] = []
        var bytes: [MetricFamily.Sample] = []
        for (values, counts) in clusters {
            let cluster = Label("cluster", values[0])
            if counts.allowed.value > 0 {
                let labels = [cluster, Label("verdict", "allowed"), Label("reason", "")]
                connections.append(.init(labels: labels, value: Double(counts.allowed.value)))
            }
            for (reason, counter) in zip(RefusalReason.allCases, counts.refused) where counter.value > 0 {
                let labels = [cluster, Label("verdict", "refused"), Label("reason", reason.rawValue)]
                connections.append(.init(labels: labels, value: Double(counter.value)))
            }
            for (direction, counter) in [("in", counts.bytesIn), ("out", counts.bytesOut)] where counter.value > 0 {
                bytes.append(.init(labels: [cluster, Label("direction", direction)], value: Double(counter.value)))
            }
        }
        return [
            MetricFamily(
                name: "egret_cluster_connections_total", help: "Ended client connections by cluster, verdict and reason.", kind: .counter,
                samples: connections),
            MetricFamily(
                name: "egret_cluster_bytes_total", help: "Bytes relayed by cluster: in is client to upstream, out the way back.",
                kind: .counter, samples: bytes),
        ]
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
