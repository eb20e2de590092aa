import ConfigSync
package import Telemetry

/// What the proxy-facing server counts.
package struct ProxyMetrics: Sendable {
    let streams: Gauge
    private let configs: LabelledInstruments<Counter>
    private let bytes: LabelledInstruments<Counter>
    let certificates: Counter
    let refusals: LabelledInstruments<Counter>

    package init(_ registry: MetricsRegistry) {
        self.streams = registry.gauge("egret_cp_config_streams", help: "Config streams open now.")
        self.configs = registry.counters(
            "egret_cp_config_snapshots_sent_total", help: "Configurations sent to proxies, whole or as differences.", labels: ["form"])
        self.bytes = registry.counters(
            "egret_cp_config_bytes_sent_total", help: "Bytes of configurations sent to proxies, TLS not counted.", labels: ["form"])
        self.certificates = registry.counter("egret_cp_certificates_signed_total", help: "Certificates signed for proxies.")
        self.refusals = registry.counters(
            "egret_cp_proxy_requests_refused_total", help: "Requests of proxies that were refused, by reason.", labels: ["reason"])
    }

    func sent(_ config: OutgoingConfig) {
        self.configs.with(config.form.rawValue).add()
        self.bytes.with(config.form.rawValue).add(UInt64(config.byteCount))
    }
}
