import ControlPlane
import Foundation
import JSONModel
import KubeAPI
import Logging
import Planning
import Routing
import ServiceLifecycle
import TestKit
import Testing

struct AcknowledgementTests {
    private let start = Date(timeIntervalSince1970: 1_800_000_000)
    private static let egress = ProxyID(.egress, "egret-egress-1.kuma-system")
    private static let other = ProxyID(.dataplane, "web-1.shop")

    private func entry(_ hash: String, _ seconds: Double, _ errors: [ItemError] = []) -> AcknowledgementReport.Entry {
        .init(Acknowledgement(hash: hash, errors: errors), at: self.start + seconds)
    }

    private func object(_ entries: [ProxyID: AcknowledgementReport.Entry], replica: String = "egret-cp-1") -> KubeObject {
        AcknowledgementReport.object(replica: replica, namespace: "kuma-system", owner: nil, entries: entries)
    }

    @Test("What a replica publishes, the others read")
    func roundTrip() {
        let entries = [
            Self.egress: self.entry("ab", 1.25, [.init(item: "cluster default:x", message: "no such host")]),
            Self.other: self.entry("cd", 2),
        ]
        let object = self.object(entries)
        #expect(object.name == "egret-acknowledgements-egret-cp-1")
        #expect(object.metadata.labels[AcknowledgementReport.label] == "true")
        #expect(AcknowledgementReport.read(object) == entries)
        #expect(AcknowledgementReport.name(ofReplica: "My_Host.local-") == "egret-acknowledgements-my-host-local")
    }

    @Test(
        "What makes no sense is nothing, item by item",
        arguments: [
            "", "[]", "{\"egress\":{}}", "{\"egress a\":{\"hash\":1}}", "{\"toaster a\":{\"hash\":\"x\",\"at\":\"2026-01-01T00:00:00Z\"}}",
            "{\"egress a\":{\"hash\":\"x\",\"at\":\"today\"}}",
        ])
    func nonsense(_ text: String) {
        var object = self.object([:])
        object["data"] = ["acknowledgements.json": .string(text)]
        #expect(AcknowledgementReport.read(object).isEmpty)
        object["data"] = nil
        #expect(AcknowledgementReport.read(object).isEmpty)
    }

    @Test("An object never outgrows what the API server takes; those with errors are told first")
    func bound() {
        var entries: [ProxyID: AcknowledgementReport.Entry] = [:]
        for number in 0..<10_000 {
            entries[ProxyID(.egress, "egress-\(number).kuma-system")] = self.entry(String(repeating: "a", count: 64), 0)
        }
        let odd = ProxyID(.egress, "z")
        entries[odd] = self.entry(
            "x", 0, (0..<100).map { ItemError(item: "\($0)", message: String(repeating: "m", count: 5000)) })
        let object = self.object(entries)
        #expect(object.json.text.utf8.count < 1 << 20)
        let read = AcknowledgementReport.read(object)
        #expect(read[odd]?.acknowledgement.errors.count == 20)
        #expect(read.count > 5000)
    }

    @Test("Of what several replicas heard the newest counts, and what was published outlives its object")
    func merge() {
        let book = AcknowledgementBook()
        book.record(Acknowledgement(hash: "old"), of: Self.egress, at: self.start)
        book.take([Self.egress: self.entry("new", 1), Self.other: self.entry("theirs", 0)])
        #expect(book.all[Self.egress]?.hash == "new")
        book.take([Self.egress: self.entry("late", 0.5)])
        #expect(book.all[Self.egress]?.hash == "new")
        book.record(Acknowledgement(hash: "newest"), of: Self.egress, at: self.start + 2)
        #expect(book.all[Self.egress]?.hash == "newest")
        book.take([:])
        #expect(book.all[Self.other]?.hash == "theirs")
        #expect(book.own.keys.sorted() == [Self.egress])
        book.keep { $0 == Self.egress }
        #expect(book.all.keys.sorted() == [Self.egress])
    }

    @Test("A replica writes one object of its own, after each word of a proxy and not otherwise")
    func publisher() async throws {
        let cluster = ScriptedCluster()
        let book = AcknowledgementBook()
        var pod = KubeObject(.pods, name: "egret-cp-1", namespace: "kuma-system")
        pod.metadata.uid = "uid-1"
        let publisher = AcknowledgementPublisher(
            book: book, writer: cluster, identity: "egret-cp-1", namespace: "kuma-system", pod: { [pod] in pod },
            logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
        let key = ObjectKey(namespace: "kuma-system", name: "egret-acknowledgements-egret-cp-1")
        func published() -> [ProxyID: AcknowledgementReport.Entry] {
            cluster[.configMaps, key].map(AcknowledgementReport.read) ?? [:]
        }
        try await withThrowingTaskGroup { group in
            group.addTask { try await publisher.run() }
            // Until it listens.
            try await eventually("the first word is published") {
                book.record(Acknowledgement(hash: "1"), of: Self.egress, at: self.start)
                return published()[Self.egress]?.acknowledgement.hash == "1" ? true : nil
            }
            let owner = cluster[.configMaps, key]?.metadata.ownerReferences.first
            #expect(owner?.uid == "uid-1" && owner?.isController == false)
            book.record(Acknowledgement(hash: "2"), of: Self.egress, at: self.start + 1)
            book.record(Acknowledgement(hash: "2"), of: Self.other, at: self.start + 1)
            try await eventually("both are published") { published()[Self.other]?.acknowledgement.hash == "2" ? true : nil }
            #expect(published()[Self.egress]?.acknowledgement.hash == "2")
            #expect(cluster.writes == Array(repeating: "apply ConfigMap/kuma-system/\(key.name)", count: 2))
            group.cancelAll()
        }
    }

    @Test("Which egresses elsewhere have a stream to a replica is told to the others, and taken back")
    func streams() async throws {
        let cluster = ScriptedCluster()
        let book = AcknowledgementBook()
        let publisher = AcknowledgementPublisher(
            book: book, writer: cluster, identity: "egret-cp-1", namespace: "kuma-system", pod: { nil },
            logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
        let key = ObjectKey(namespace: "kuma-system", name: "egret-acknowledgements-egret-cp-1")
        func published() -> Set<ProxyID>? { cluster[.configMaps, key].map(AcknowledgementReport.streams) }
        let (one, two) = (ProxyID(.egress, "vm-1"), ProxyID(.egress, "vm-2"))
        try await withThrowingTaskGroup { group in
            group.addTask { try await publisher.run() }
            // Until it listens.
            try await eventually("the streams are published") {
                book.hold([])
                book.hold([one, two])
                return published() == [one, two] ? true : nil
            }
            book.hold([two])
            try await eventually("one is taken back") { published() == [two] ? true : nil }
            book.hold([])
            try await eventually("all are taken back") { published() == [] ? true : nil }
            group.cancelAll()
        }
    }

    @Test("A replica that starts takes back what the one before it of its name said")
    func firstWord() async throws {
        let cluster = ScriptedCluster()
        let left = AcknowledgementReport.object(
            replica: "egret-cp-1", namespace: "kuma-system", owner: nil, entries: [:], streams: [ProxyID(.egress, "vm-1")])
        _ = try await cluster.apply(.configMaps, left, subresource: nil, manager: AcknowledgementReport.fieldManager, force: true)
        let book = AcknowledgementBook()
        let publisher = AcknowledgementPublisher(
            book: book, writer: cluster, identity: "egret-cp-1", namespace: "kuma-system", pod: { nil },
            logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
        // It has looked, and nobody is there; before or after the publisher began to listen.
        book.hold([])
        try await withThrowingTaskGroup { group in
            group.addTask { try await publisher.run() }
            try await eventually("the streams are taken back") {
                cluster[.configMaps, left.key].map(AcknowledgementReport.streams) == [] ? true : nil
            }
            group.cancelAll()
        }
    }

    @Test("What a replica says of streams counts while its pod is ready")
    func deadReplicas() throws {
        func pod(_ name: String, uid: String, ready: Bool = true) -> KubeObject {
            var pod = KubeObject(.pods, name: name, namespace: "kuma-system")
            pod.metadata.uid = uid
            pod.status = [
                "phase": "Running", "podIP": "10.0.0.1", "conditions": [["type": "Ready", "status": ready ? "True" : "False"]],
            ]
            return pod
        }
        func report(_ replica: String, of pod: KubeObject?) -> KubeObject {
            AcknowledgementReport.object(
                replica: replica, namespace: "kuma-system",
                owner: pod.map { OwnerReference(apiVersion: "v1", kind: "Pod", name: $0.name, uid: $0.metadata.uid) }, entries: [:],
                streams: [ProxyID(.egress, "vm-\(replica)")])
        }
        let pods = [
            pod("ready", uid: "1"), pod("crashed", uid: "2", ready: false), pod("again", uid: "another"),
        ]
        let reports =
            pods.map { report($0.name, of: $0.name == "again" ? pod("again", uid: "3") : $0) }
            + [report("deleted", of: pod("deleted", uid: "4")), report("nopod", of: nil)]
        let streams = AcknowledgementReport.streams(reports, pods: Dictionary(uniqueKeysWithValues: pods.map { ($0.key, $0) }))
        #expect(streams == ["egret-acknowledgements-ready": [ProxyID(.egress, "vm-ready")]])
    }

    @Test("An egress whose replica crashed is waited for as after the end of a stream, one whose replica says good-bye for it is not")
    func orphans() {
        let book = AcknowledgementBook()
        let presence = Presence()
        let (one, two) = (ProxyID(.egress, "vm-1"), ProxyID(.egress, "vm-2"))
        func look(_ streams: [String: Set<ProxyID>], at now: Date) -> Set<ProxyID> {
            presence.miss(book.takeStreams(ofOthers: streams), now: now)
            return presence.online(at: now).union(book.othersStreams)
        }
        #expect(look(["a": [one, two], "b": []], at: self.start) == [one, two])
        // The first says that the second has gone.
        #expect(look(["a": [one], "b": []], at: self.start) == [one])
        // It crashes.
        #expect(look(["b": []], at: self.start) == [one])
        #expect(presence.nextChange(after: self.start) == self.start + 10)
        #expect(look(["b": []], at: self.start + 10) == [])
        // Or the egress comes back, to the other.
        #expect(look(["a": [one], "b": []], at: self.start + 11) == [one])
        #expect(look(["b": [one]], at: self.start + 12) == [one])
        #expect(look(["b": []], at: self.start + 23) == [])
    }
}
