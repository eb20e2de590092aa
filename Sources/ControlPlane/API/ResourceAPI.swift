package import FoundationEssentials
import JSONModel
import MeshModel
import Planning
package import Store

/// The REST API's resources: Kuma's paths and shapes over the store.
///
///     /meshes                       /meshes/{mesh}
///     /meshes/{mesh}/dataplanes     /meshes/{mesh}/dataplanes/{name}     /dataplanes (of every mesh, to read)
///     /zoneegresses                 /zoneegresses/{name}                 …/_overview
package struct ResourceAPI: Sendable {
    private let reader: any ResourceReader
    /// Nil where another API writes: that of Kubernetes.
    private let store: ResourceStore?
    private let overviews: Overviews
    private let rules: WriteRules

    package init(store: ResourceStore, insights: any Insights, rules: WriteRules) {
        self.reader = store
        self.store = store
        self.overviews = Overviews(insights: insights)
        self.rules = rules
    }

    package init(store: ResourceStore, hub: ConfigHub, acknowledgements: AcknowledgementBook, zone: String) {
        self.init(
            store: store, insights: ProxyInsights(reader: store, hub: hub, acknowledgements: acknowledgements),
            rules: WriteRules(zone: zone))
    }

    /// Reads, and writes nothing.
    package init(reading reader: any ResourceReader, hub: ConfigHub, acknowledgements: AcknowledgementBook) {
        self.reader = reader
        self.store = nil
        self.overviews = Overviews(
            insights: ProxyInsights(reader: reader, hub: hub, acknowledgements: acknowledgements))
        self.rules = WriteRules(zone: "")
    }

    package static let defaultPageSize = 100
    package static let maxPageSize = 1000

    /// Nil for a path that is not of a resource.
    package func respond(to request: APIRequest, now: Date) throws(APIProblem) -> APIReply? {
        guard let place = Place(request.path) else { return nil }
        if place.kind.isSecret, !request.isAdmin { throw Self.adminOnly }
        if self.store == nil, request.method != .get || place.kind.isSecret {
            throw APIProblem(
                405, "Method not allowed",
                "on Kubernetes this API only reads, and no secrets; use kubectl \(request.method == .get ? "get" : request.method == .delete ? "delete" : "apply")"
            )
        }
        switch (request.method, place.name) {
        case (.get, nil): return try self.list(place, request)
        case (.get, let name?):
            let resource = try self.find(place, name)
            return APIReply(place.isOverview ? self.overviews.overview(of: resource) : Self.document(resource, showsData: true))
        case (.put, let name?) where !place.isOverview && (place.mesh != nil || !place.kind.isOfMesh):
            return try self.put(place, name, request, now: now)
        case (.delete, let name?) where !place.isOverview && (place.mesh != nil || !place.kind.isOfMesh):
            return try self.delete(place, name, request)
        default:
            throw APIProblem(
                405, "Method not allowed", "\(request.method.rawValue) is not offered at /\(request.path.joined(separator: "/"))")
        }
    }

    static let adminOnly = APIProblem(
        403, "Access Denied",
        "this needs an administrator: call from the control plane's own machine, or with the token in its secret admin-user-token")

    // MARK: Paths

    private struct Place {
        var kind: ResourceKind
        var mesh: String?
        var name: String?
        var isOverview = false

        init?(_ path: [String]) {
            var path = path[...]
            if path.last == "_overview" {
                self.isOverview = true
                path.removeLast()
            }
            // The older names of overviews.
            if let first = path.first, first.hasSuffix("overviews"),
                let kind = ["zoneegressoverviews": ResourceKind.zoneEgress, "zoneingressoverviews": .zoneIngress][first]
            {
                self.kind = kind
                self.isOverview = true
                self.name = path.dropFirst().first
                if path.count > 2 { return nil }
                return
            }
            if path.count > 2, path.first == "meshes" {
                guard let kind = ResourceKind.at(path: path[2]), kind.isOfMesh, path.count <= 4 else { return nil }
                self.kind = kind
                self.mesh = path[1]
                self.name = path.count == 4 ? path[3] : nil
            } else {
                guard let first = path.first, let kind = ResourceKind.at(path: first), path.count <= (kind.isOfMesh ? 1 : 2) else {
                    return nil
                }
                self.kind = kind
                self.name = path.dropFirst().first
            }
            if self.isOverview, !Overviews.kinds.contains(self.kind.name) { return nil }
        }

        func id(_ name: String) -> ResourceID { ResourceID(kind: self.kind.name, mesh: self.mesh ?? "", name: name) }
    }

    // MARK: Reading

    private func list(_ place: Place, _ request: APIRequest) throws(APIProblem) -> APIReply {
        if let mesh = place.mesh, self.reader.resource(ResourceID(kind: ResourceKind.mesh.name, name: mesh)) == nil {
            throw .notFound("the mesh \(mesh)")
        }
        let size = try Self.number(request.query["size"], "size", 1...Self.maxPageSize) ?? Self.defaultPageSize
        let offset = try Self.number(request.query["offset"], "offset", 0...Int.max) ?? 0
        let wanted = request.query["name"] ?? ""
        let all = self.reader.resources(place.kind.name).filter { resource in
            (place.mesh == nil || resource.id.mesh == place.mesh) && (wanted.isEmpty || resource.id.name.contains(wanted))
        }
        let page = all.dropFirst(offset).prefix(size)
        var next: JSON = .null
        if offset + page.count < all.count {
            let kept = wanted.isEmpty ? "" : "&name=\(wanted)"
            next = .string("/\(request.path.joined(separator: "/"))?size=\(size)&offset=\(offset + page.count)\(kept)")
        }
        return APIReply([
            "total": JSON(all.count),
            "items": .array(page.map { place.isOverview ? self.overviews.overview(of: $0) : Self.document($0) }),
            "next": next,
        ])
    }

    private static func number(_ text: String?, _ name: String, _ range: ClosedRange<Int>) throws(APIProblem) -> Int? {
        guard let text else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let bound = range.upperBound == .max ? "of \(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
            throw APIProblem(400, "Invalid page", "\(name) is \"\(text)\"; use a number \(bound)")
        }
        return number
    }

    private func find(_ place: Place, _ name: String) throws(APIProblem) -> StoredResource {
        guard let resource = self.reader.resource(place.id(name)) else { throw .notFound("the \(place.id(name))") }
        return resource
    }

    /// - Parameter showsData: of a secret; lists never do.
    static func document(_ resource: StoredResource, showsData: Bool = false) -> JSON {
        guard let kind = ResourceKind.named(resource.id.kind) else { return .null }
        var resource = resource
        if kind.isSecret, !showsData || Self.isOwnKey(resource) { resource.spec = [:] }
        var json = ResourceDocument(
            kind: kind, mesh: kind.isOfMesh ? resource.id.mesh : nil, name: resource.id.name, labels: resource.labels, spec: resource.spec
        ).universal
        // What the control plane found; nobody writes it.
        if !resource.status.isNull { json["status"] = resource.status }
        json["creationTime"] = .string(resource.created.formatted(.iso8601))
        json["modificationTime"] = .string(resource.modified.formatted(.iso8601))
        return json
    }

    /// Private keys that the control plane made for itself: nobody needs to read them, so nobody can.
    private static func isOwnKey(_ resource: StoredResource) -> Bool {
        resource.spec["entries"] == true || resource.id.name.contains("-signing-key-") || resource.id.name.contains(".ca-builtin-key-")
    }

    // MARK: Writing

    private func put(_ place: Place, _ name: String, _ request: APIRequest, now: Date) throws(APIProblem) -> APIReply {
        guard request.isAdmin, let store else { throw Self.adminOnly }
        let document = try self.read(request.body)
        guard document.kind.name == place.kind.name, document.name == name, document.mesh == place.mesh else {
            throw APIProblem(
                400, "Resource is not valid",
                "the body is \(ResourceID(kind: document.kind.name, mesh: document.mesh ?? "", name: document.name)), the path names \(place.id(name))"
            )
        }
        let zone = self.rules.zone
        if document.kind.name == ResourceKind.zoneEgress.name, !self.rules.isGlobal,
            let given = OwnFields.otherZone(document.spec, than: zone)
        {
            throw .invalid(
                InvalidResource([
                    Violation(field: "zone", message: "is \(given), this control plane's zone is \(zone); leave it out")
                ]))
        }
        let violations = DocumentChecks.violations(document)
        if !violations.isEmpty { throw .invalid(InvalidResource(violations)) }
        do {
            let isNew = try store.write { transaction in
                let before = try transaction.get(place.id(name))
                try self.rules.checkPut(document, before: before)
                if let mesh = document.mesh, try transaction.get(ResourceID(kind: ResourceKind.mesh.name, name: mesh)) == nil {
                    throw APIProblem(400, "Could not create a resource", "mesh of name \(mesh) is not found")
                }
                if document.kind.name == ResourceKind.mesh.name, let before {
                    let violations = MeshChange.violations(from: before.spec, to: document.spec)
                    if !violations.isEmpty { throw APIProblem.invalid(InvalidResource(violations)) }
                }
                var spec = document.spec
                OwnFields.keep(in: &spec, kind: document.kind.name, before: before?.spec, zone: zone)
                // Whoever applies a resource that a proxy brought, or a copy of one, makes it his: it stays when no proxy is there.
                let labels = document.labels.filter { $0.key != SelfRegistration.label }
                return try transaction.put(place.id(name), labels: labels, spec: spec, now: now).isNew
            }
            return APIReply([:], status: isNew ? 201 : 200)
        } catch {
            throw Self.problem(error)
        }
    }

    private func read(_ body: [UInt8]) throws(APIProblem) -> ResourceDocument {
        let json: JSON
        do { json = try JSON(parsing: Data(body)) } catch { throw APIProblem(400, "Could not read the body", "the body is \(error)") }
        do { return try ResourceDocument(json) } catch { throw .invalid(error) }
    }

    private func delete(_ place: Place, _ name: String, _ request: APIRequest) throws(APIProblem) -> APIReply {
        guard request.isAdmin, let store else { throw Self.adminOnly }
        do {
            try store.write { transaction in
                let id = place.id(name)
                guard let before = try transaction.get(id) else { throw APIProblem.notFound("the \(id)") }
                try self.rules.checkDelete(place.kind, before)
                if place.kind.name == ResourceKind.zone.name { try ZoneResources.delete(name, transaction) }
                if place.kind.name == ResourceKind.secret.name, let mesh = place.mesh {
                    try Self.checkUnused(name, of: mesh, transaction)
                }
                if place.kind.name == ResourceKind.mesh.name {
                    let attached = try transaction.list(kind: ResourceKind.dataplane.name).filter { $0.id.mesh == name }
                    if let first = attached.first {
                        throw APIProblem(
                            400, "Could not delete a resource",
                            "there are still \(attached.count) dataplanes in mesh \(name), \(first.id.name) among them; stop or delete them first"
                        )
                    }
                    // What belonged to the mesh goes with it, but for its authority: who finds an old certificate must be
                    // able to tell whose it was, and a mesh made again keeps its identity.
                    for resource in try transaction.list() where resource.id.mesh == name && resource.id.kind != ResourceKind.secret.name {
                        try transaction.delete(resource.id)
                    }
                }
                try transaction.delete(id)
            }
            return APIReply([:])
        } catch {
            throw Self.problem(error)
        }
    }

    /// The secrets of an authority in use stay, as in Kuma: proxies could no longer be signed for.
    private static func checkUnused(_ name: String, of mesh: String, _ transaction: StoreTransaction) throws {
        let id = ResourceID(kind: ResourceKind.mesh.name, name: mesh)
        guard let spec = try transaction.get(id)?.spec, let mesh = try? Mesh(name: mesh, spec: spec), let backend = mesh.backend
        else { return }
        let inUse: [String] =
            switch backend.authority {
            case .builtin(_, _, let generations):
                generations.flatMap { generation in
                    [
                        AuthorityNames.certificate(mesh: mesh.name, backend: backend.name, generation: generation),
                        AuthorityNames.key(mesh: mesh.name, backend: backend.name, generation: generation),
                    ]
                }
            case .provided(let certificate, let key):
                [certificate, key].compactMap { if case .secret(let name) = $0 { name } else { nil } }
            }
        guard inUse.contains(name) else { return }
        throw APIProblem(
            400, "Could not delete a resource",
            "the secret \(name) is in use by the authority \(backend.name) of mesh \(mesh.name); disable mTLS or change the authority first"
        )
    }

    private static func problem(_ error: any Error) -> APIProblem {
        if let problem = error as? APIProblem { return problem }
        if let error = error as? StoreError, error.reason != .unusable { return APIProblem(409, "Conflict", "\(error)") }
        return APIProblem(500, "Internal Server Error", "\(error)")
    }
}
