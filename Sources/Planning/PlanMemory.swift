import KubeAPI
import MeshModel
import Routing
import Synchronization

/// What one plan found out that the next need not find out again: of ten thousand objects one or none has changed. Nothing is
/// ever decided by it: an entry counts only for exactly the object that it was made from.
package final class PlanMemory: Sendable {
    struct Reading: Sendable {
        let object: KubeObject
        /// A `World.Judged` of the type's resource.
        let judged: any Sendable
    }

    struct Report: Sendable {
        let object: KubeObject
        let judgement: Judgement
    }

    private struct State {
        var readings: [ResourceType: [ObjectKey: Reading]] = [:]
        /// Objects whose status already says what was found.
        var reports: [ResourceType: [ObjectKey: Report]] = [:]
        /// Of the tables of zone proxies.
        var fingerprints: [ZoneProxyRole: (table: ProxyConfig, text: String)] = [:]
        /// By pod.
        var dataplanes: [ObjectKey: (sources: PodDataplanes.Sources, made: PodDataplanes.Made?)] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    func readings(_ type: ResourceType) -> [ObjectKey: Reading] { self.state.withLock { $0.readings[type] ?? [:] } }

    /// Objects that are not among them are forgotten.
    func keep(_ readings: [ObjectKey: Reading], _ type: ResourceType) {
        self.state.withLock { state in
            state.readings[type] = readings
            guard let reports = state.reports[type], reports.count > readings.count else { return }
            state.reports[type] = reports.filter { readings[$0.key] != nil }
        }
    }

    func fingerprint(of table: ProxyConfig, for role: ZoneProxyRole, _ make: (ProxyConfig) -> String) -> String {
        if let known = self.state.withLock({ $0.fingerprints[role] }), known.table == table { return known.text }
        let text = make(table)
        self.state.withLock { $0.fingerprints[role] = (table, text) }
        return text
    }

    func made(of pod: ObjectKey) -> (sources: PodDataplanes.Sources, made: PodDataplanes.Made?)? {
        self.state.withLock { $0.dataplanes[pod] }
    }

    /// Pods that are not among them are forgotten.
    func keep(_ dataplanes: [ObjectKey: (sources: PodDataplanes.Sources, made: PodDataplanes.Made?)]) {
        self.state.withLock { $0.dataplanes = dataplanes }
    }

    func isSaid(_ judgement: Judgement, of object: KubeObject, _ type: ResourceType) -> Bool {
        guard let report = self.state.withLock({ $0.reports[type]?[object.key] }) else { return false }
        return report.object == object && report.judgement == judgement
    }

    func said(_ judgement: Judgement, of object: KubeObject, _ type: ResourceType) {
        self.state.withLock { $0.reports[type, default: [:]][object.key] = Report(object: object, judgement: judgement) }
    }
}

extension Judgement: Equatable {
    static func == (left: Self, right: Self) -> Bool {
        left.accepted == right.accepted && left.checks == right.checks && left.ready == right.ready
            && left.others.elementsEqual(right.others) { $0.type == $1.type && $0.verdict == $1.verdict }
    }
}
