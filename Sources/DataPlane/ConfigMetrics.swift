import FoundationEssentials
import Telemetry

/// What scrapes see of the configuration and the certificates.
enum ConfigMetrics {
    static func register(_ applier: ConfigApplier, _ identities: any IdentitySource, in registry: MetricsRegistry) {
        registry.collect {
            var families: [MetricFamily] = []
            func add(_ name: String, _ help: String, _ kind: MetricFamily.Kind = .gauge, _ samples: [MetricFamily.Sample]) {
                families.append(MetricFamily(name: name, help: help, kind: kind, samples: samples))
            }
            if let applied = applier.applied {
                add("egret_config_info", "The configuration in service.", .gauge, [.init(labels: [.init("hash", applied.hash)], value: 1)])
                add(
                    "egret_config_errors", "Items of the configuration that are not served.", .gauge,
                    [
                        .init(value: Double(applier.errors.count))
                    ])
                add(
                    "egret_config_last_success_timestamp_seconds", "When a configuration was put into service last.", .gauge,
                    [
                        .init(value: applied.at.timeIntervalSince1970.rounded(.down))
                    ])
            }
            add(
                "egret_config_generation", "Configurations put into service since the start.", .gauge,
                [
                    .init(value: Double(applier.applied?.generation ?? 0))
                ])
            add(
                "egret_config_current", "1 while the newest configuration is the one in service, 0 while it is refused.", .gauge,
                [
                    .init(value: applier.refusal == nil ? 1 : 0)
                ])
            add(
                "egret_config_reload_errors_total", "What was refused of new configurations: whole ones, or single items.", .counter,
                [
                    .init(labels: [.init("scope", "item")], value: Double(applier.refusedItems.value)),
                    .init(labels: [.init("scope", "whole")], value: Double(applier.refusedWhole.value)),
                ])
            let now = Date()
            let expiries = identities.expiries
            if !expiries.isEmpty {
                add(
                    "egret_certificate_expiry_seconds", "Seconds until the mesh's certificate ends.", .gauge,
                    expiries.map {
                        .init(labels: [.init("mesh", $0.mesh)], value: $0.notAfter.timeIntervalSince(now).rounded())
                    })
            }
            return families
        }
    }
}
