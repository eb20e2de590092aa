import FoundationEssentials
import Telemetry

/// What scrapes see of the configuration and the certificates.
enum ConfigMetrics {
    static func register(_ applier: ConfigApplier, _ identities: any IdentitySource, in registry: MetricsRegistry) {
        registry.collect {
            let applied = applier.applied
            let now = Date()
            let expiries = identities.expiries.map { mesh, notAfter in
                MetricFamily.Sample(labels: [.init("mesh", mesh)], value: notAfter.timeIntervalSince(now).rounded())
            }
            return [
                self.gauge(
                    "egret_config_info", "The configuration in service.",
                    applied.map { [.init(labels: [.init("hash", $0.hash)], value: 1)] } ?? []),
                self.gauge("egret_config_errors", "Items of the configuration that are not served.", Double(applier.errors.count)),
                self.gauge("egret_config_generation", "Configurations put into service since the start.", Double(applied?.generation ?? 0)),
                self.gauge(
                    "egret_config_last_success_timestamp_seconds", "When a configuration was put into service last, 0 if never.",
                    applied?.at.timeIntervalSince1970.rounded(.down) ?? 0),
                self.gauge(
                    "egret_config_current", "1 while the newest configuration is the one in service, 0 while it is refused.",
                    applier.refusal == nil ? 1 : 0),
                MetricFamily(
                    name: "egret_config_reload_errors_total", help: "What was refused of new configurations: whole ones, or single items.",
                    kind: .counter,
                    samples: [
                        .init(labels: [.init("scope", "item")], value: Double(applier.refusedItems.value)),
                        .init(labels: [.init("scope", "whole")], value: Double(applier.refusedWhole.value)),
                    ]),
                self.gauge("egret_certificate_expiry_seconds", "Seconds until the mesh's certificate ends.", expiries),
            ]
        }
    }

    private static func gauge(_ name: String, _ help: String, _ value: Double) -> MetricFamily {
        self.gauge(name, help, [.init(value: value)])
    }

    private static func gauge(_ name: String, _ help: String, _ samples: [MetricFamily.Sample]) -> MetricFamily {
        MetricFamily(name: name, help: help, kind: .gauge, samples: samples)
    }
}
