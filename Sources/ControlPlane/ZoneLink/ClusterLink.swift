import ControlPlaneAccess
import CurlTransport
import FoundationEssentials
import Identity
import KubeAPI
import Logging
import Planning
import ServiceLifecycle
import ZoneSync

/// A cluster's connection to the global control plane: there while this replica leads and the settings name one.
struct ClusterLink: Service {
    let source: any WorldSource
    let writer: any ClusterWriter
    let leadership: Leadership
    let settings: CurrentSettings
    let hub: ConfigHub
    let acknowledgements: AcknowledgementBook
    /// This replica's.
    let instance: String
    let version: String
    let metrics: GlobalLinkMetrics
    let logger: Logger

    /// What a connection depends on; another one means another connection.
    private struct Terms: Hashable {
        var zone: String
        var global: GlobalControlPlaneAddress
        var identity: String
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            guard (try? await self.source.waitUntilRead()) != nil else { return }
            let wake = Wake()
            let changes = self.source.changes()
            await withTaskGroup { group in
                group.addTask { for await _ in changes { wake.up() } }
                group.addTask { for await _ in self.leadership.changes() { wake.up() } }
                group.addTask { await self.follow(wake) }
                await group.waitForAll()
            }
        }
    }

    /// One connection at a time: what was begun on other terms is ended first.
    private func follow(_ wake: Wake) async {
        while !Task.isCancelled {
            let terms = self.terms
            await withTaskGroup { group in
                if let terms { group.addTask { await self.link(terms).run() } }
                group.addTask { for await _ in wake.stream where self.terms != terms { return } }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private var terms: Terms? {
        guard self.leadership.isLeader, let settings = self.settings.value, case .zone(let global) = settings.standing,
            let authority = self.source.object(.secrets, ServingCertificateStore.secretName)?.secretText("ca.crt"),
            let identity = CertificateHash.of(pem: authority)
        else { return nil }
        return Terms(zone: settings.zone, global: global, identity: identity)
    }

    private func link(_ terms: Terms) -> GlobalLink {
        let reader = ClusterResources(self.source, leavesOutForeign: true)
        let (source, presence) = (self.source, self.hub.presence)
        let insights = ProxyInsights(reader: reader, hub: self.hub, acknowledgements: self.acknowledgements)
        let secret = terms.global.tokenSecret
        let token = TextSource.held(in: "the key token of Secret \(source.namespace)/\(secret)") {
            source.object(.secrets, secret)?.secretText("token")
        }
        return GlobalLink(
            who: ZoneExchange(zone: terms.zone, identity: terms.identity, instance: self.instance),
            global: terms.global, token: token, transport: CurlTransport(), version: self.version,
            replicator: Replicator(
                keeper: ClusterReplica(source: source, writer: self.writer), metrics: self.metrics, logger: self.logger),
            reports: ReportSource(zone: terms.zone, reader: reader, insights: insights) {
                [source.changes(), presence.changes()]
            },
            pages: ProxyPages(reader: reader, hub: self.hub), metrics: self.metrics, logger: self.logger)
    }
}
