package import ConfigSync
package import FoundationEssentials
import JSONModel
package import Logging
import MeshModel
import Planning
import ServiceLifecycle
package import Store

/// Resources that proxies bring with them: stored when a proxy comes, deleted a while after it has gone.
package struct SelfRegistration: ProxyRegistrar, Service {
    /// Marks resources that go with their proxy; its value is the proxy's instance.
    package static let label = "egret.io/registered-by"

    private let store: ResourceStore
    private let admission: TokenAdmission
    private let presence: Presence
    private let logger: Logger

    package init(store: ResourceStore, admission: TokenAdmission, presence: Presence, logger: Logger) {
        self.store = store
        self.admission = admission
        self.presence = presence
        self.logger = logger
    }

    package func register(_ registration: Registration, as proxy: ProxyClaim, token: String, now: Date) async throws(AccessRefusal) {
        let document: ResourceDocument
        do {
            document = try ResourceDocument(registration.resource)
        } catch {
            throw AccessRefusal(.badRequest, "the proxy's resource is not valid: \(error)")
        }
        let violations = DocumentChecks.registrationViolations(document)
        if !violations.isEmpty {
            throw AccessRefusal(.badRequest, "the proxy's resource is not valid: \(InvalidResource(violations))")
        }
        let id = ResourceID(kind: document.kind.name, mesh: document.mesh ?? "", name: document.name)
        guard id == proxy.resourceID else {
            throw AccessRefusal(.badRequest, "the proxy says that it is \(proxy.resourceID), its resource is \(id)")
        }
        // What it wants to be, too, and not only what it was.
        try self.admission.authenticate(token: token, as: proxy, dataplane: document.spec)
        if let mesh = document.mesh, self.store[ResourceID(kind: ResourceKind.mesh.name, name: mesh)] == nil {
            throw AccessRefusal(.badRequest, "there is no mesh \(mesh); egretctl apply it first")
        }
        let before = self.store[id]
        let owner = before?.labels[Self.label]
        // Of another zone, and not one that a proxy brought when this zone had another name.
        for spec in [document.spec, owner == nil ? before?.spec : nil].compactMap(\.self) where proxy.id.kind != .dataplane {
            guard let other = OwnFields.otherZone(spec, than: self.admission.zone) else { continue }
            throw AccessRefusal(
                .badRequest, "\(id) is of zone \(other), this control plane's zone is \(self.admission.zone); give the proxy another name")
        }
        if let owner, owner != registration.instance, self.presence.hasStream(proxy.id) {
            throw AccessRefusal(
                .nameInUse, "another proxy is connected as \(id); give this one a name of its own")
        }
        // What a person applied stays that person's when its proxy goes.
        var labels = document.labels
        if before == nil || owner != nil { labels[Self.label] = registration.instance } else { labels = before?.labels ?? [:] }
        do {
            let isNew = try self.store.write { transaction in
                var spec = document.spec
                OwnFields.keep(in: &spec, kind: id.kind, before: try transaction.get(id)?.spec, zone: self.admission.zone)
                return try transaction.put(id, labels: labels, spec: spec, now: now).isNew
            }
            self.presence.announced(proxy.id, now: now)
            self.logger.info(
                isNew ? "Registered a proxy's resource" : "Updated a proxy's resource",
                metadata: ["resource": "\(id)", "why": "the proxy brought it with --dataplane-file"])
        } catch {
            throw AccessRefusal(.unavailable, "\(error)")
        }
    }

    /// Deletes what its proxy has left behind.
    package func run() async throws {
        let changes = self.presence.changes()
        let wake = Wake()
        await withTaskGroup { group in
            group.addTask { for await _ in changes { wake.up() } }
            group.addTask {
                try? await gracefulShutdown()
                wake.finish()
            }
            wake.up()
            await withTaskGroup { timers in
                for await _ in wake.stream {
                    let now = Date()
                    self.deregister(now: now)
                    guard let next = self.presence.nextChange(after: now) else { continue }
                    timers.addTask {
                        try? await Task.sleep(for: .seconds(max(0.05, next.timeIntervalSince(now))))
                        wake.up()
                    }
                }
                timers.cancelAll()
            }
            group.cancelAll()
        }
    }

    private func deregister(now: Date) {
        let present = self.presence.present(at: now)
        let kinds = [ResourceKind.zoneEgress, .zoneIngress, .dataplane]
        for resource in kinds.flatMap({ self.store.unordered(kind: $0.name) }) where resource.labels[Self.label] != nil {
            guard let proxy = Self.proxy(of: resource.id), !present.contains(proxy) else { continue }
            do {
                try self.store.write { try $0.delete(resource.id, expecting: .version(resource.version)) }
                self.logger.info(
                    "Deleted a proxy's resource", metadata: ["resource": "\(resource.id)", "why": "its proxy is gone"])
            } catch {
                // It has just come back, or the store has a problem of which others speak.
                self.logger.debug("Could not delete a proxy's resource", metadata: ["resource": "\(resource.id)", "cause": "\(error)"])
            }
        }
    }

    /// The proxy that a resource is; nil for other kinds.
    static func proxy(of id: ResourceID) -> ProxyID? {
        switch id.kind {
        case ResourceKind.zoneEgress.name: ProxyID(.egress, id.name)
        case ResourceKind.zoneIngress.name: ProxyID(.ingress, id.name)
        case ResourceKind.dataplane.name: ProxyID(.dataplane, "\(id.mesh)/\(id.name)")
        default: nil
        }
    }
}
