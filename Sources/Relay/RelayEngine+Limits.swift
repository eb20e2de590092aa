import CLinux
import Routing
import Telemetry

extension RelayEngine {
    /// Clusters beyond this many are added up in one series, as in every metric.
    private static let mostClusters = 1000

    /// How much of the limits is used. Clusters without a limit have no series.
    var limitFamilies: [MetricFamily] {
        var families = [
            MetricFamily(
                name: "egret_open_connections", help: "Client connections that count for the proxy's limit: refused ones don't.",
                kind: .gauge, samples: [.init(value: Double(self.open.count))])
        ]
        let now = cl_monotonic_ns()
        families.append(
            MetricFamily(
                name: "egret_ejected_endpoints", help: "Endpoints set aside after failures, those on probation included.", kind: .gauge,
                samples: [.init(value: Double(self.upstreams.reduce(0) { $0 + $1.states.count { $0.isEjected(now: now) } }))]))
        if self.open.limit < Int.max {
            families.append(
                MetricFamily(
                    name: "egret_connection_limit", help: "The most connections the proxy takes.", kind: .gauge,
                    samples: [.init(value: Double(self.open.limit))]))
        }
        let limited = self.upstreams.filter { $0.cluster.maxConnections != nil }
        guard !limited.isEmpty else { return families }
        func samples(_ value: (UpstreamCluster) -> Int) -> [MetricFamily.Sample] {
            var samples = limited.prefix(Self.mostClusters).map {
                MetricFamily.Sample(labels: [.init("cluster", $0.cluster.name)], value: Double(value($0)))
            }
            let rest = limited.dropFirst(Self.mostClusters)
            if !rest.isEmpty {
                let sum = rest.reduce(0) { $0 + value($1) }
                samples.append(.init(labels: [.init("cluster", LabelledInstruments<Counter>.other)], value: Double(sum)))
            }
            return samples
        }
        families.append(
            MetricFamily(
                name: "egret_cluster_open_connections", help: "Connections and attempts that count for the cluster's limit.",
                kind: .gauge, samples: samples { $0.activeConnections }))
        families.append(
            MetricFamily(
                name: "egret_cluster_connection_limit", help: "The most connections the proxy opens to the cluster.", kind: .gauge,
                samples: samples { $0.cluster.maxConnections ?? 0 }))
        return families
    }
}
