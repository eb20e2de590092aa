import JSONModel
import KubeAPI
import MeshModel
import Routing

extension World {
    static func judge(_ judged: Judged<ExternalService>, _ meshes: [MeshName: Mesh]) -> Judged<ExternalService> {
        guard judged.accepted.isGood, let service = judged.resource else { return judged }
        var judged = judged
        if meshes[service.mesh] == nil {
            judged.accepted = Self.meshNotFound(service.mesh)
        } else {
            let ignored = service.ignoredFields + (Verification.ignores(judged.object, service) ? [Verification.annotation] : [])
            judged.accepted = Self.accepted("The spec is valid.\(service.speaks.relayed)", ignoring: ignored)
        }
        return judged
    }

    /// The ExternalServices of one mesh as they can be served from this zone.
    struct ExternalServices {
        /// Where their host names may lead.
        let resolvedAddresses: AddressRules
        /// Usable ones in the order of their names.
        private(set) var items: [Item] = []
        /// Places in `items`, by service.
        private var places: [String: [Int]] = [:]
        /// Why one is not served, by object name.
        var problems: [String: Verdict] = [:]

        struct Item {
            let service: ExternalService
            let endpoint: Endpoint
            let tls: UpstreamTLS
        }

        init(resolvedAddresses: AddressRules) { self.resolvedAddresses = resolvedAddresses }

        mutating func append(_ item: Item) {
            self.places[item.service.service.text, default: []].append(self.items.count)
            self.items.append(item)
        }

        func items(service: String) -> [Item] { (self.places[service] ?? []).map { self.items[$0] } }

        func items(_ subset: Subset) -> [Item] { self.items(service: subset.service).filter { subset.covers($0.service.tags) } }

        func cluster(_ subset: Subset, in mesh: MeshName) -> Cluster {
            Cluster(name: subset.cluster(mesh), places: self.items(subset).map { ($0.endpoint, $0.tls) }, rules: self.resolvedAddresses)
        }
    }

    /// One broken ExternalService is left out and named; the others are served.
    func findExternalServices(of mesh: Mesh) -> ExternalServices {
        let usesEgress = mesh.usesEgress
        // Strategies are about what lies in the mesh.
        let spread = Spread(mesh)
        let mesh = mesh.name
        var found = ExternalServices(resolvedAddresses: self.observed.settings.resolvedAddresses)
        let secrets = self.secrets(of: mesh)
        let remote = (self.remoteOffers[mesh] ?? [:]).filter { $0.value.contains { !$0.isExternal } }
        // By service in lower case, the first of it.
        var first: [String: ExternalService] = [:]
        for judged in self.externalsByMesh[mesh]?.judged ?? [] {
            guard let service = judged.accountable else { continue }
            let name = judged.object.name
            // Behind an egress, one of another zone is that zone's to serve. Dialled directly, a zone is only a hint.
            if usesEgress, let zone = service.zone, zone != self.observed.settings.zone { continue }
            if remote[service.service.text] != nil {
                found.problems[name] = .needsPerson(
                    .conflict,
                    "A ZoneIngress already offers \(service.service) in mesh \(mesh) and that one is used. Next: give one of the two another kuma.io/service."
                )
                continue
            }
            // Server names do not tell upper from lower case.
            let folded = service.service.text.lowercased()
            if let twin = first[folded], twin.service != service.service {
                found.problems[name] = .needsPerson(
                    .conflict,
                    "ExternalService \(twin.name) has a kuma.io/service that differs in case only, and that one is used. Next: rename one of the two."
                )
                continue
            }
            let sni = Subset(service: service.service.text, tags: service.tags.filter { !Tag.isOfPlatform($0.key) }).sni(mesh)
            if sni.utf8.count > SNI.maxBytes {
                found.problems[name] = .needsPerson(
                    .invalidSpec,
                    "The server name made of its tags has \(sni.utf8.count) bytes, more than the \(SNI.maxBytes) that TLS clients send. Next: shorten the tags."
                )
                continue
            }
            do throws(MissingSource) {
                let tls = try Self.upstreamTLS(service, Verification(judged.object, service), secrets)
                let priority = service.zone.flatMap { spread.priority(of: $0, from: self.observed.settings.zone) } ?? 0
                let endpoint = Endpoint(
                    address: service.host, port: service.port, priority: priority, locality: service.zone)
                let alike = found.items(service: service.service.text)
                if alike.contains(where: { $0.endpoint == endpoint && $0.service.tags == service.tags }) {
                    found.problems[name] = .needsPerson(
                        .conflict, "Another ExternalService has the same kuma.io/service, tags and address. Next: delete one of them.")
                    continue
                }
                found.append(.init(service: service, endpoint: endpoint, tls: tls))
                if first[folded] == nil { first[folded] = service }
            } catch {
                found.problems[name] = error.verdict
            }
        }
        return found
    }

    func secrets(of mesh: MeshName) -> MeshSecrets {
        MeshSecrets(
            objects: self.observed.objects, namespace: self.observed.systemNamespace, mesh: mesh, home: self.observed.home,
            files: self.observed.files)
    }

    private static func upstreamTLS(
        _ service: ExternalService, _ verification: Verification, _ secrets: MeshSecrets
    ) throws(MissingSource) -> UpstreamTLS {
        guard let tls = service.tls else { return .none }
        let ca: String? = if let source = tls.ca { try secrets.certificate(source) } else { nil }
        let client: ClientCertificate?
        switch (tls.clientCertificate, tls.clientKey) {
        case (nil, nil): client = nil
        case (.some(let certificate), .some(let key)):
            client = ClientCertificate(certificate: try secrets.certificate(certificate), key: try secrets.privateKey(key))
        default:
            throw MissingSource(
                reason: .invalidSpec, sentence: "networking.tls.clientCert and clientKey go together: set both or neither")
        }
        let serverName = tls.serverName ?? (Address.isIP(service.host) ? nil : service.host)
        return .external(
            ExternalTLS(
                serverName: serverName, ca: ca, clientCertificate: client, verify: verification.level, alpn: service.speaks.offered))
    }

    func externalServiceStatuses() -> [StatusPatch] {
        return self.externalServices.compactMap { judged in
            var judgement = Judgement(accepted: judged.accepted, ready: "")
            if let service = judged.accountable, let mesh = self.mesh(service.mesh) {
                let rules = self.callers(of: [.service(service.tags)], in: mesh.name)
                judgement.checks = [
                    self.servedExternals[mesh.name]?.problems[judged.object.name], self.rejected(service),
                    mesh.usesEgress ? self.noReadyEgress ?? self.notOffered(service) : nil,
                ].compactMap(\.self)
                judgement.ready = self.ready(service, mesh)
                if mesh.usesEgress { judgement.others = [("Permitted", Self.permitted(rules, service))] }
                if service.tls != nil { judgement.others.append(("Verified", Verification(judged.object, service).verdict)) }
            }
            return self.status(of: judged.object, type: .externalServices, judgement)
        }
    }

    /// For what another zone serves; nil where that zone says that it does.
    private func notOffered(_ service: ExternalService) -> Verdict? {
        guard let zone = service.zone, zone != self.observed.settings.zone,
            self.offers(Subset(service: service.service.text), in: service.mesh).isEmpty
        else { return nil }
        let next = self.next(
            kubernetes: "kubectl get zoneingresses -n \(self.observed.systemNamespace)", universal: "egretctl inspect zone-ingresses")
        return .waiting(
            .noReadyEndpoints,
            "Zone \(zone) serves it, and no ingress of that zone offers it, so calls fail (closed, never around). \(next)")
    }

    private func ready(_ service: ExternalService, _ mesh: Mesh) -> String {
        if mesh.usesEgress, let zone = service.zone, zone != self.observed.settings.zone { return "Zone \(zone) serves it." }
        return mesh.usesEgress
            ? "The egress sends \(service.service) to \(service.host):\(service.port)."
            : "Proxies of mesh \(mesh.name) dial \(service.host):\(service.port) themselves."
    }

    private static func permitted(_ rules: CallerRules, _ service: ExternalService) -> Verdict {
        rules.allowsSomebody
            ? Self.allowed(rules)
            : .off(
                .notPermitted,
                "No MeshTrafficPermission of mesh \(service.mesh) allows a caller, so every connection is refused (not_permitted). Next: apply one with targetRef {kind: MeshService, name: \(service.service)}."
            )
    }

    static func allowed(_ rules: CallerRules) -> Verdict {
        .good(.accepted, rules.sentence)
    }

    private func rejected(_ service: ExternalService) -> Verdict? {
        let whole = Subset(service: service.service.text).cluster(service.mesh)
        return self.rejected(place: "\(service.host):\(service.port)") { $0 == whole || $0.hasPrefix(whole + "{") }
    }

    /// What a proxy says about a cluster. What it says about one of its endpoints is about `place` alone.
    func rejected(place: String, cluster isMeant: (String) -> Bool) -> Verdict? {
        let prefix = "cluster "
        let first = self.rejections.first { _, error in
            guard error.item.hasPrefix(prefix), isMeant(String(error.item.dropFirst(prefix.count))) else { return false }
            return !error.message.hasPrefix("endpoint ") || error.message.hasPrefix("endpoint \(place):")
        }
        guard let first else { return nil }
        return .needsPerson(.configRejected, "\(first.proxy) cannot use it: \(first.error.message.asSentence)")
    }
}

extension MissingSource {
    var verdict: Verdict {
        let sentence = "\(self.sentence.prefix(1).uppercased())\(self.sentence.dropFirst())."
        return self.reason == .secretNotFound || self.reason == .fileUnreadable
            ? .waiting(self.reason, sentence) : .needsPerson(self.reason, sentence)
    }
}

extension ApplicationProtocol {
    /// Nil offers none.
    var offered: [String]? { self.alpn.isEmpty ? nil : self.alpn }

    /// What Kuma would do and Egret does not, as a sentence of its own.
    var relayed: String { self.isHTTP ? " \(self.rawValue) is relayed unchanged: the Host that callers send goes out as it is." : "" }
}

extension Cluster {
    /// Of endpoints that may differ in what they speak.
    /// - Parameter rules: for host names among them.
    init(name: String, places: [(endpoint: Endpoint, tls: UpstreamTLS)], rules: AddressRules) {
        let common = places.first?.tls ?? .none
        let usesNames = places.contains { !Address.isIP($0.endpoint.address) }
        let endpoints = places.map { place -> Endpoint in
            var endpoint = place.endpoint
            if place.tls != common { endpoint.tls = place.tls }
            return endpoint
        }
        self.init(name: name, endpoints: endpoints, tls: common, resolvedAddresses: usesNames ? rules : nil)
    }
}
