import ArgumentParser

/// Flags of Kuma's data plane program that say how to run Envoy. Scripts that have them go on working; what they set is named
/// in the log, because it does nothing here.
struct EnvoyOptions: ParsableArguments {
    @Option(help: .hidden) var binaryPath: String?
    @Option(help: .hidden) var configDir: String?
    @Option(help: .hidden) var envoyLogLevel: String?
    @Option(help: .hidden) var envoyComponentLogLevel: String?
    @Option(help: .hidden) var metricsCertPath: String?
    @Option(help: .hidden) var metricsKeyPath: String?
    @Flag(help: .hidden) var dnsEnabled = false

    /// Variables of Kuma 2.7 that have no meaning for a proxy that is not Envoy.
    static let variables = [
        "KUMA_DATAPLANE_RUNTIME_BINARY_PATH", "KUMA_DATAPLANE_RUNTIME_CONFIG_DIR", "KUMA_DATAPLANE_RUNTIME_ENVOY_LOG_LEVEL",
        "KUMA_DATAPLANE_RUNTIME_ENVOY_COMPONENT_LOG_LEVEL", "KUMA_CONTROL_PLANE_RETRY_BACKOFF", "KUMA_CONTROL_PLANE_RETRY_MAX_DURATION",
        "KUMA_DNS_ENABLED", "KUMA_METRICS_CERT_PATH", "KUMA_METRICS_KEY_PATH",
    ]

    /// What is set and does nothing.
    func ignored(_ environment: [String: String]) -> [String] {
        let flags: [(String, Bool)] = [
            ("--binary-path", self.binaryPath != nil), ("--config-dir", self.configDir != nil),
            ("--envoy-log-level", self.envoyLogLevel != nil),
            ("--envoy-component-log-level", self.envoyComponentLogLevel != nil), ("--metrics-cert-path", self.metricsCertPath != nil),
            ("--metrics-key-path", self.metricsKeyPath != nil), ("--dns-enabled", self.dnsEnabled),
        ]
        return flags.filter(\.1).map(\.0) + Self.variables.filter { environment[$0]?.isEmpty == false }
    }
}
