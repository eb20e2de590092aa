package import FoundationEssentials
import JSONModel
package import KubeAPI
import Routing

/// What proxies said to one replica of the control plane, as the object by which it tells the others. Each replica writes its
/// own object only; of what several replicas heard of one proxy, the newest counts.
package enum AcknowledgementReport {
    package struct Entry: Hashable, Sendable {
        package var acknowledgement: Acknowledgement
        package var at: Date

        package init(_ acknowledgement: Acknowledgement, at: Date) {
            self.acknowledgement = acknowledgement
            self.at = at
        }
    }

    /// Marks the objects.
    package static let label = "egret.io/acknowledgements"
    package static let selector = ObjectSelector(labels: label)
    package static let fieldManager = "egret-acknowledgements"
    private static let key = "acknowledgements.json"
    private static let streamsKey = "streams.json"
    /// An object has 1 MiB at most, and a name, a hash, a time and a mesh's authorities are some 220 bytes: room for 4,000 proxies.
    private static let maxBytes = 900 << 10
    /// What of one proxy's errors is told: enough for the condition, which names the first.
    private static let maxErrors = 20

    /// A name of the object for a replica of any name.
    package static func name(ofReplica identity: String) -> String {
        let letters = identity.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "-" }
        var text = String(letters.prefix(200))
        while text.hasSuffix("-") { text.removeLast() }
        return "egret-acknowledgements-\(text.isEmpty ? "0" : text)"
    }

    /// - Parameters:
    ///   - owner: the replica's pod, with which the object goes; nil where the replica is none.
    ///   - streams: proxies that are no pods and serve, by the streams that this replica holds.
    package static func object(
        replica identity: String, namespace: String, owner: OwnerReference?, entries: [ProxyID: Entry],
        streams: Set<ProxyID> = []
    ) -> KubeObject {
        var map = KubeObject(
            .configMaps, name: Self.name(ofReplica: identity), namespace: namespace,
            labels: [
                "app.kubernetes.io/name": "egret", "app.kubernetes.io/component": "control-plane",
                "app.kubernetes.io/managed-by": "egret", Self.label: "true",
            ])
        if let owner { map.metadata.ownerReferences = [owner] }
        map["data"] = [Self.key: .string(Self.text(entries))]
        if !streams.isEmpty {
            map["data"]?[Self.streamsKey] = .string(JSON.array(streams.sorted().map { .string($0.description) }).text)
        }
        return map
    }

    private static func text(_ entries: [ProxyID: Entry]) -> String {
        // Those with errors are worth the most, should there be no room for all.
        let sorted = entries.sorted {
            ($0.value.acknowledgement.errors.isEmpty ? 1 : 0, $0.key) < ($1.value.acknowledgement.errors.isEmpty ? 1 : 0, $1.key)
        }
        var room = Self.maxBytes
        var members: [String: JSON] = [:]
        for (proxy, entry) in sorted {
            var member: JSON = ["hash": .string(entry.acknowledgement.hash), "at": .string(entry.at.rfc3339Micro)]
            if !entry.acknowledgement.authorities.isEmpty {
                member["authorities"] = try? JSON(encoding: entry.acknowledgement.authorities)
            }
            if !entry.acknowledgement.errors.isEmpty {
                member["errors"] = .array(
                    entry.acknowledgement.errors.prefix(Self.maxErrors).map {
                        ["item": .string(String($0.item.prefix(300))), "message": .string(String($0.message.prefix(500)))]
                    })
            }
            room -= proxy.description.utf8.count + member.text.utf8.count + 8
            if room < 0 { break }
            members[proxy.description] = member
        }
        return JSON.object(members).text
    }

    /// Proxies that are no pods and have a stream to the replica whose object this is.
    package static func streams(_ object: KubeObject) -> Set<ProxyID> {
        let names = object["data"]?[Self.streamsKey]?.string.flatMap { try? JSON(parsing: $0) }?.array ?? []
        return Set(names.compactMap { $0.string.flatMap(Self.proxy) })
    }

    /// The same of several replicas, by the names of their objects: of those whose pods are ready. One that has crashed, hangs or
    /// has lost its node cannot take back what it said, and neither can one that is no pod.
    package static func streams(
        _ reports: some Sequence<KubeObject>, pods: [ObjectKey: KubeObject]
    ) -> [String: Set<ProxyID>] {
        var streams: [String: Set<ProxyID>] = [:]
        for report in reports {
            let isAlive = report.metadata.ownerReferences.contains { owner in
                let pod = pods[ObjectKey(namespace: report.namespace, name: owner.name)]
                return owner.kind == ResourceType.pods.kind && pod?.metadata.uid == owner.uid && pod?.isPodReady == true
            }
            if isAlive { streams[report.name] = Self.streams(report) }
        }
        return streams
    }

    /// The reverse of a proxy's description.
    private static func proxy(_ text: String) -> ProxyID? {
        guard let space = text.firstIndex(of: " "), let kind = ProxyID.Kind(rawValue: String(text[..<space])) else { return nil }
        return ProxyID(kind, String(text[text.index(after: space)...]))
    }

    /// What an object says; nothing where it makes no sense.
    package static func read(_ object: KubeObject) -> [ProxyID: Entry] {
        guard let text = object["data"]?[Self.key]?.string, let members = (try? JSON(parsing: text))?.object else { return [:] }
        var entries: [ProxyID: Entry] = [:]
        for (name, member) in members {
            guard let proxy = Self.proxy(name), let hash = member["hash"]?.string,
                let at = member["at"]?.string.flatMap(Date.init(rfc3339:))
            else { continue }
            let errors = (member["errors"]?.array ?? []).compactMap { error in
                error["item"]?.string.map { ItemError(item: $0, message: error["message"]?.string ?? "") }
            }
            let authorities = member["authorities"].flatMap { try? JSONDecoder().decode([String: AuthorityKeys].self, from: $0.data) }
            entries[proxy] = Entry(Acknowledgement(hash: hash, errors: errors, authorities: authorities ?? [:]), at: at)
        }
        return entries
    }
}
