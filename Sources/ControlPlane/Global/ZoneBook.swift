import ConfigSync
package import FoundationEssentials
import JSONModel
import Synchronization
import ZoneSync

/// Which zones are connected, and what each last told. Of a global control plane; forgotten with the process, and told again
/// when a zone comes back.
package final class ZoneBook: Sendable {
    /// One stream of a zone's control plane, open or ended, as overviews show it.
    package struct Stream: Hashable, Sendable {
        package let id: String
        /// Which replica.
        package let instance: String
        package let version: String
        package let opened: Date
        package fileprivate(set) var closed: Date?
        /// When something was last sent.
        package fileprivate(set) var updated: Date?
        package fileprivate(set) var sent = 0
    }

    /// What a zone told, and what was made of it.
    struct Told: Sendable {
        var text: ConfigText
        var report: ZoneReport
        var at: Date
    }

    private struct Zone {
        var streams: [Stream] = []
        var told: Told?
        /// The hash of what it was sent last.
        var sent: String?
        /// When it was last there.
        var left: Date?
    }

    /// Streams of one zone that are remembered; Kuma's number.
    private static let historyLength = 10

    private let zones = Mutex<[String: Zone]>([:])

    package init() {}

    /// - Returns: the stream's id, for `closed`.
    func opened(_ zone: String, instance: String, version: String, now: Date) -> String {
        let stream = Stream(id: UUID().uuidString.lowercased(), instance: instance, version: version, opened: now)
        self.zones.withLock { zones in
            zones[zone, default: Zone()].streams = (zones[zone]?.streams ?? []).suffix(Self.historyLength - 1) + [stream]
        }
        return stream.id
    }

    func closed(_ zone: String, stream: String, now: Date) {
        self.zones.withLock { zones in
            guard let index = zones[zone]?.streams.firstIndex(where: { $0.id == stream }) else { return }
            zones[zone]?.streams[index].closed = now
            zones[zone]?.left = now
        }
    }

    func sent(_ zone: String, stream: String, hash: String, now: Date) {
        self.zones.withLock { zones in
            zones[zone]?.sent = hash
            guard let index = zones[zone]?.streams.firstIndex(where: { $0.id == stream }) else { return }
            zones[zone]?.streams[index].sent += 1
            zones[zone]?.streams[index].updated = now
        }
    }

    func tell(_ zone: String, _ told: Told) { self.zones.withLock { $0[zone, default: Zone()].told = told } }

    func told(_ zone: String) -> Told? { self.zones.withLock { $0[zone]?.told } }

    /// What all zones told, by zone.
    var told: [String: Told] { self.zones.withLock { $0.compactMapValues(\.told) } }

    /// Forgets zones that were deleted: one of the name that comes later has told nothing.
    func keep(_ names: Set<String>) { self.zones.withLock { zones in zones = zones.filter { names.contains($0.key) } } }

    package func isConnected(_ zone: String) -> Bool {
        self.zones.withLock { $0[zone]?.streams.contains { $0.closed == nil } ?? false }
    }

    /// The zone's last streams, the newest last.
    package func streams(of zone: String) -> [Stream] { self.zones.withLock { $0[zone]?.streams ?? [] } }

    /// Whether a zone has put into force what it was sent last; nil while it has said nothing of it.
    func hasApplied(_ zone: String) -> Bool? {
        self.zones.withLock { zones in
            guard let zone = zones[zone], let told = zone.told, let sent = zone.sent else { return nil }
            return told.report.about["applied"]?.string == sent
        }
    }

    /// When a zone was last there; nil while it is, or never was since this process began.
    func left(_ zone: String) -> Date? {
        self.zones.withLock { zones in
            guard let zone = zones[zone], !zone.streams.contains(where: { $0.closed == nil }) else { return nil }
            return zone.left
        }
    }
}
