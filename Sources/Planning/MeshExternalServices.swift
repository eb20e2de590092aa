import JSONModel
import KubeAPI
import MeshModel
import Routing

extension World {
    static func judge(_ judged: Judged<MeshExternalService>, _ meshes: [MeshName: Mesh]) -> Judged<MeshExternalService> {
        guard judged.accepted.isGood, let service = judged.resource else { return judged }
        var judged = judged
        if meshes[service.mesh] == nil {
            judged.accepted = Self.meshNotFound(service.mesh)
        } else if let plugin = service.extensionType {
            judged.accepted = .needsPerson(
                .unsupported, "There is no extension \(plugin), so it is not served. Next: set endpoints instead.")
        } else {
            judged.accepted = Self.accepted("The spec is valid.\(service.speaks.relayed)", ignoring: service.ignoredFields)
        }
        return judged
    }

    /// The MeshExternalServices of one mesh as the egress serves them.
    struct MeshExternalServices {
        /// Usable ones in the order of their names.
        var items: [Item] = []
        /// Why one is not served, by object name.
        var problems: [String: Verdict] = [:]

        struct Item {
            let service: MeshExternalService
            let cluster: Cluster
        }

        func item(_ reference: Dataplane.ExternalReference) -> Item? {
            self.items.first { $0.service.name == reference.name && (reference.port ?? $0.service.port) == $0.service.port }
        }
    }

    func findMeshExternalServices(of mesh: Mesh) -> MeshExternalServices {
        var found = MeshExternalServices()
        let secrets = self.secrets(of: mesh.name)
        for judged in self.meshExternalServices {
            guard let service = judged.accountable, service.mesh == mesh.name else { continue }
            if service.endpoints.isEmpty {
                found.problems[judged.object.name] = .needsPerson(
                    .invalidSpec, "endpoints is empty, so there is nowhere to go. Next: name at least one.")
                continue
            }
            do throws(MissingSource) {
                let tls = try Self.upstreamTLS(service, secrets)
                let places = service.endpoints.map { endpoint -> (endpoint: Endpoint, tls: UpstreamTLS) in
                    let place = Endpoint(address: endpoint.address, port: endpoint.port, priority: endpoint.priority)
                    guard let tls else { return (place, .none) }
                    return (place, .external(tls.with(serverName: Self.serverName(of: endpoint, service))))
                }
                let cluster = Cluster(
                    name: service.cluster, places: places, rules: self.observed.settings.resolvedAddresses)
                found.items.append(.init(service: service, cluster: cluster))
            } catch {
                found.problems[judged.object.name] = error.verdict
            }
        }
        return found
    }

    /// What all endpoints have in common; nil for plaintext.
    private static func upstreamTLS(_ service: MeshExternalService, _ secrets: MeshSecrets) throws(MissingSource) -> ExternalTLS? {
        guard let tls = service.tls else { return nil }
        if let highest = tls.maxVersion, highest < .tls12 {
            throw MissingSource(
                reason: .unsupported, sentence: "tls.version.max is \(highest.text) and Egret speaks TLS12 and TLS13. Next: set one of them"
            )
        }
        let verification = Verification(tls)
        // What is not verified against needs not be there.
        let ca: String? = if verification.level != .none, let source = tls.ca { try secrets.certificate(source) } else { nil }
        var client: ClientCertificate?
        if tls.mode != .skipAll, let certificate = tls.clientCertificate, let key = tls.clientKey {
            client = ClientCertificate(certificate: try secrets.certificate(certificate), key: try secrets.privateKey(key))
        }
        let names = tls.subjectAltNames.map { NameMatch($0.value, isPrefix: $0.isPrefix) }
        return ExternalTLS(
            serverName: nil, ca: ca, clientCertificate: client, verify: verification.level, alpn: service.speaks.offered,
            names: verification.level == .full && !names.isEmpty ? names : nil, minVersion: tls.minVersion?.spoken,
            maxVersion: tls.maxVersion?.spoken)
    }

    /// The name that was asked for, else the endpoint's own; an address goes by the first host name beside it, if there is one.
    private static func serverName(of endpoint: MeshExternalService.Endpoint, _ service: MeshExternalService) -> String? {
        let mode = service.tls?.mode ?? .secured
        if let name = service.tls?.serverName, mode == .secured || mode == .skipCA { return name }
        if !Address.isIP(endpoint.address) { return endpoint.address }
        return service.endpoints.first { !Address.isIP($0.address) }?.address
    }

    func meshExternalServiceStatuses() -> [StatusPatch] {
        self.meshExternalServices.compactMap { judged in
            var judgement = Judgement(accepted: judged.accepted, ready: "")
            if let service = judged.accountable, let mesh = self.mesh(service.mesh) {
                let places = service.endpoints.map { "\($0.address):\($0.port)" }
                judgement.checks =
                    [self.reachable(mesh), self.servedMeshExternals[mesh.name]?.problems[judged.object.name]].compactMap(\.self)
                    + places.compactMap { self.rejected(place: $0) { $0 == service.cluster } }.prefix(1)
                judgement.ready = "The egress sends \(service.name), port \(service.port), to \(places.joined(separator: ", "))."
                judgement.others = [("Permitted", self.permitted(service, mesh))]
                if let tls = service.tls { judgement.others.append(("Verified", Verification(tls).verdict)) }
            }
            return self.status(of: judged.object, type: .meshExternalServices, judgement)
        }
    }

    /// The egress is the only way, whatever `routing.zoneEgress` says.
    private func reachable(_ mesh: Mesh) -> Verdict? {
        if mesh.backend == nil {
            return .needsPerson(
                .mtlsRequired,
                "Mesh \(mesh.name) has no mTLS, and a MeshExternalService is reached through the egress, which needs it. Next: enable mTLS in Mesh \(mesh.name)."
            )
        }
        return self.noReadyEgress
    }

    /// For what is reached through an egress; nil where there is one.
    var noReadyEgress: Verdict? {
        guard self.readyEgresses.isEmpty else { return nil }
        return .waiting(.noReadyEndpoints, "No egress is ready, so calls fail (closed, never around). \(self.nextEgress)")
    }

    private func permitted(_ service: MeshExternalService, _ mesh: Mesh) -> Verdict {
        let rules = self.callers(of: [.meshExternal(service.name)], in: mesh.name)
        guard !rules.allowsSomebody else { return Self.allowed(rules) }
        return .off(
            .notPermitted,
            "No MeshTrafficPermission of mesh \(mesh.name) allows a caller, so every connection is refused (not_permitted). Next: apply one with targetRef {kind: MeshExternalService, name: \(service.name)}."
        )
    }
}

extension MeshExternalService {
    /// Key of its cluster. Names of services have no slash.
    var cluster: String { "\(self.mesh):extsvc/\(self.name)" }

    /// The name that callers send: the form of 2.8.
    var sni: String { HashSNI(name: self.name, mesh: self.mesh.text, port: self.port, kind: .external).text }

    /// Those the egress knows it by: also the forms of 2.14, which may say where the object is.
    func serverNames(zone: String, namespace: String?) -> [String] {
        var places: [(zone: String?, namespace: String?)] = [(nil, nil), (zone, nil)]
        if let namespace { places.append((zone, namespace)) }
        let later = places.compactMap { place in
            try? ResourceSNI(
                kind: .external, mesh: self.mesh.text, zone: place.zone, namespace: place.namespace, name: self.name,
                section: String(self.port)
            ).text
        }
        // The form's labels are at fixed places, so a dot within one would make it the name of another.
        guard !self.name.contains("."), !self.mesh.text.contains("."), !zone.contains(".") else { return [self.sni] }
        return [self.sni] + later
    }
}

extension MeshExternalService.Version {
    fileprivate var spoken: ExternalTLS.Version { self == .tls13 ? .v13 : .v12 }
}

extension ExternalTLS {
    fileprivate func with(serverName: String?) -> ExternalTLS {
        var tls = self
        tls.serverName = serverName
        return tls
    }
}
