import Routing
package import Telemetry

extension RelayEngine {
    /// Offers the counters to scrapes.
    package func register(in registry: MetricsRegistry) {
        registry.collect { [self] in self.counters.metricFamilies + self.limitFamilies }
    }
}

extension RelayCounters {
    package var metricFamilies: [MetricFamily] {
        typealias Label = MetricFamily.Label
        var verdicts = [
            MetricFamily.Sample(labels: [Label("verdict", "allowed"), Label("reason", "")], value: Double(self.allowed))
        ]
        for reason in RefusalReason.allCases {
            guard let count = self.refused[reason], count > 0 else { continue }
            verdicts.append(.init(labels: [Label("verdict", "refused"), Label("reason", reason.rawValue)], value: Double(count)))
        }
        return [
            MetricFamily(
                name: "egret_connections_total", help: "Client connections by verdict and reason.", kind: .counter, samples: verdicts),
            MetricFamily(
                name: "egret_accepted_connections_total", help: "Client connections accepted, decided or not.", kind: .counter,
                samples: [.init(value: Double(self.accepted))]),
            MetricFamily(
                name: "egret_active_connections", help: "Client connections open now.", kind: .gauge,
                samples: [.init(value: Double(self.active))]),
            MetricFamily(
                name: "egret_bytes_total", help: "Bytes relayed: in is client to upstream, out the way back.", kind: .counter,
                samples: [
                    .init(labels: [Label("direction", "in")], value: Double(self.bytesIn)),
                    .init(labels: [Label("direction", "out")], value: Double(self.bytesOut)),
                ]),
            MetricFamily(
                name: "egret_connect_failures_total", help: "Attempts on upstream endpoints that failed.", kind: .counter,
                samples: [.init(value: Double(self.connectFailures))]),
            self.connectSeconds.family("egret_connect_seconds", "Time from the first connect attempt to the upstream connection."),
            self.helloSeconds.family("egret_client_hello_seconds", "Time from accepting to the complete ClientHello."),
            self.helloBytes.family("egret_client_hello_bytes", "Size of ClientHellos on the wire."),
        ]
    }
}

extension RelayCounters.Histogram {
    fileprivate func family(_ name: String, _ help: String) -> MetricFamily {
        var samples: [MetricFamily.Sample] = []
        var total: UInt64 = 0
        for (index, count) in self.counts.enumerated() {
            total += count
            let bound = MetricFamily.number(index < self.bounds.count ? self.bounds[index] : .infinity)
            samples.append(.init(suffix: "_bucket", labels: [MetricFamily.Label("le", bound)], value: Double(total)))
        }
        samples.append(.init(suffix: "_sum", value: self.sum))
        samples.append(.init(suffix: "_count", value: Double(total)))
        return MetricFamily(name: name, help: help, kind: .histogram, samples: samples)
    }
}
