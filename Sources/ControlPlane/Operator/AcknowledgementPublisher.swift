import FoundationEssentials
package import KubeAPI
import KubeRuntime
package import Logging
import Planning
import ServiceLifecycle

/// Tells the other replicas what proxies said to this one: one object that only this replica writes. At most one write a second,
/// and none while nothing was said; but the first, which takes back what a process before this one may have left there.
package struct AcknowledgementPublisher: Service {
    private let book: AcknowledgementBook
    private let writer: any ClusterWriter
    private let identity: String
    private let namespace: String
    /// This replica's pod, where it is one.
    private let pod: @Sendable () -> KubeObject?
    private let logger: Logger

    private static let pause = Duration.seconds(1)

    package init(
        book: AcknowledgementBook, writer: any ClusterWriter, identity: String, namespace: String,
        pod: @escaping @Sendable () -> KubeObject?, logger: Logger
    ) {
        self.book = book
        self.writer = writer
        self.identity = identity
        self.namespace = namespace
        self.pod = pod
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.follow() }
    }

    private func follow() async {
        let backoff = Backoff()
        var generator = SystemRandomNumberGenerator()
        var published: [ProxyID: AcknowledgementReport.Entry] = [:]
        var publishedStreams: Set<ProxyID>?
        var failures = 0
        for await _ in self.book.changes() {
            var isDone = false
            while !isDone {
                let entries = self.book.own
                let streams = self.book.streams
                if entries == published, streams == publishedStreams { break }
                do {
                    try await self.publish(entries, streams ?? [])
                    published = entries
                    publishedStreams = streams
                    failures = 0
                    isDone = true
                } catch {
                    if Task.isCancelled { return }
                    failures += 1
                    self.logger.log(
                        level: failures == 1 ? .warning : .debug,
                        "Could not publish what proxies confirmed; other replicas do not know of it",
                        metadata: ["cause": "\(error)", "k8s.object": "ConfigMap/\(self.namespace)/\(self.name)"])
                }
                let delay = isDone ? Self.pause : max(Self.pause, backoff.delay(failures: failures, using: &generator))
                do { try await Task.sleep(for: delay) } catch { return }
            }
        }
    }

    private var name: String { AcknowledgementReport.name(ofReplica: self.identity) }

    private func publish(_ entries: [ProxyID: AcknowledgementReport.Entry], _ streams: Set<ProxyID>) async throws(KubeError) {
        let owner = self.pod().map { pod in
            // Not as its controller: that would make the pod responsible for more than it is.
            OwnerReference(apiVersion: pod.apiVersion, kind: pod.kind, name: pod.name, uid: pod.metadata.uid)
        }
        let object = AcknowledgementReport.object(
            replica: self.identity, namespace: self.namespace, owner: owner, entries: entries, streams: streams)
        _ = try await self.writer.apply(
            .configMaps, object, subresource: nil, manager: AcknowledgementReport.fieldManager, force: true)
    }
}
