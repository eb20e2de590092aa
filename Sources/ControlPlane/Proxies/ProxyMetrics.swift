package import Telemetry

/// What the proxy-facing server counts.
package struct ProxyMetrics: Sendable {
    let streams: Gauge
    let snapshots: Counter
    let certificates: Counter
    let refusals: LabelledInstruments<Counter>

    package init(_ registry: MetricsRegistry) {
        self.streams = registry.gauge("egret_cp_config_streams", help: "Config streams open now.")
        self.snapshots = registry.counter("egret_cp_config_snapshots_sent_total", help: "Configurations sent to proxies.")
        self.certificates = registry.counter("egret_cp_certificates_signed_total", help: "Certificates signed for proxies.")
        self.refusals = registry.counters(
            "egret_cp_proxy_requests_refused_total", help: "Requests of proxies that were refused, by reason.", labels: ["reason"])
    }
}
