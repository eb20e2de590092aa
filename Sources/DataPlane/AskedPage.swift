import ConfigSync
import JSONModel
import Relay
import Telemetry

/// The admin pages that the control plane may ask for: what people on this machine see, without private keys.
enum AskedPage {
    static func text(_ page: Question.Page, _ registry: MetricsRegistry, _ applier: ConfigApplier, _ engine: RelayEngine) async -> String {
        switch page {
        case .config: AdminPages.config(applier.applied, errors: applier.errors, refused: applier.refusal).text
        case .stats: registry.render()
        case .clusters: AdminPages.clusters(await engine.clusters()).text
        }
    }
}
