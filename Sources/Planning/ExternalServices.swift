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
            judged.accepted = Self.accepted("The spec is valid.", ignoring: service.ignoredFields)
        }
        return judged
    }

    /// The ExternalServices of one mesh as they can be served from this zone.
    struct ExternalServices {
        /// Where their host names may lead.
        let resolvedAddresses: AddressRules
        /// Usable ones in the order of their names.
        var items: [Item] = []
        /// Why one is not served, by object name.
        var problems: [String: Verdict] = [:]

        struct Item {
            let service: ExternalService
            let endpoint: Endpoint
            let tls: UpstreamTLS
        }

        /// Every server name the egress has to know, whole services first.
        func subsets(requested: Set<Subset>) -> [Subset] {
            var subsets: Set<Subset> = []
            for item in self.items {
                let own = item.service.tags.filter { !$0.key.hasPrefix("kuma.io/") }
                subsets.insert(Subset(service: item.service.service.text))
                subsets.insert(Subset(service: item.service.service.text, tags: own))
            }
            return subsets.union(requested.filter { wanted in self.items.contains { wanted.covers($0.service.tags) } }).sorted()
        }

        func items(_ subset: Subset) -> [Item] { self.items.filter { subset.covers($0.service.tags) } }

        func cluster(_ subset: Subset, in mesh: MeshName) -> Cluster {
            let items = self.items(subset)
            let usesNames = items.contains { !Address.isIP($0.endpoint.address) }
            return Cluster(
                name: subset.cluster(mesh), endpoints: items.map(\.endpoint), tls: items.first?.tls ?? .none,
                resolvedAddresses: usesNames ? self.resolvedAddresses : nil)
        }
    }

    /// One broken ExternalService is left out and named; the others are served.
    func findExternalServices(of mesh: Mesh) -> ExternalServices {
        let usesEgress = mesh.usesEgress
        let mesh = mesh.name
        var found = ExternalServices(resolvedAddresses: self.observed.settings.egress.resolvedAddresses)
        let secrets = MeshSecrets(objects: self.observed.objects, namespace: self.observed.systemNamespace, mesh: mesh)
        let remote = Set(
            self.remoteIngresses.flatMap(\.services).filter { $0.mesh == mesh.text && !$0.isExternal }.compactMap { $0.tags[Tag.service] })
        for judged in self.externalServices {
            guard let service = judged.accountable, service.mesh == mesh else { continue }
            let name = judged.object.name
            // Behind an egress, one of another zone is that zone's to serve. Dialled directly, a zone is only a hint.
            if usesEgress, let zone = service.zone, zone != self.observed.settings.zone { continue }
            if remote.contains(service.service.text) {
                found.problems[name] = .needsPerson(
                    .conflict,
                    "A ZoneIngress already offers \(service.service) in mesh \(mesh) and that one is used. Next: give one of the two another kuma.io/service."
                )
                continue
            }
            // Server names do not tell upper from lower case.
            let folded = service.service.text.lowercased()
            if let twin = found.items.first(where: {
                $0.service.service != service.service && $0.service.service.text.lowercased() == folded
            }) {
                found.problems[name] = .needsPerson(
                    .conflict,
                    "ExternalService \(twin.service.name) has a kuma.io/service that differs in case only, and that one is used. Next: rename one of the two."
                )
                continue
            }
            let sni = Subset(service: service.service.text, tags: service.tags.filter { !$0.key.hasPrefix("kuma.io/") }).sni(mesh)
            if sni.utf8.count > SNI.maxBytes {
                found.problems[name] = .needsPerson(
                    .invalidSpec,
                    "The server name made of its tags has \(sni.utf8.count) bytes, more than the \(SNI.maxBytes) that TLS clients send. Next: shorten the tags."
                )
                continue
            }
            do throws(MissingSource) {
                let tls = try Self.upstreamTLS(service, secrets)
                if let first = found.items.first(where: { $0.service.service == service.service }), first.tls != tls {
                    found.problems[name] = .needsPerson(
                        .conflict,
                        "ExternalService \(first.service.name) has the same kuma.io/service and other TLS settings or another host name, and that one is used. Next: give both the same networking.tls with one serverName, or different services."
                    )
                    continue
                }
                let endpoint = Endpoint(address: service.host, port: service.port, locality: service.zone)
                if found.items.contains(where: {
                    $0.service.service == service.service && $0.endpoint == endpoint && $0.service.tags == service.tags
                }) {
                    found.problems[name] = .needsPerson(
                        .conflict, "Another ExternalService has the same kuma.io/service, tags and address. Next: delete one of them.")
                    continue
                }
                found.items.append(.init(service: service, endpoint: endpoint, tls: tls))
            } catch {
                let verdict = "\(error.sentence.prefix(1).uppercased())\(error.sentence.dropFirst())."
                found.problems[name] =
                    error.reason == .secretNotFound ? .waiting(error.reason, verdict) : .needsPerson(error.reason, verdict)
            }
        }
        return found
    }

    private static func upstreamTLS(_ service: ExternalService, _ secrets: MeshSecrets) throws(MissingSource) -> UpstreamTLS {
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
                serverName: serverName, ca: ca, clientCertificate: client, verify: tls.skipHostnameVerification ? .chain : .full))
    }

    func externalServiceStatuses() -> [StatusPatch] {
        return self.externalServices.compactMap { judged in
            var judgement = Judgement(accepted: judged.accepted, ready: "")
            if let service = judged.accountable, let mesh = self.mesh(service.mesh) {
                let rules = self.callers(of: [service.tags], in: mesh.name)
                judgement.checks = [self.servedExternals[mesh.name]?.problems[judged.object.name], self.rejected(service)].compactMap(
                    \.self)
                judgement.ready = self.ready(service, mesh)
                if mesh.usesEgress { judgement.others = [("Permitted", Self.permitted(rules, service))] }
            }
            return self.status(of: judged.object, type: .externalServices, judgement)
        }
    }

    private func ready(_ service: ExternalService, _ mesh: Mesh) -> String {
        if mesh.usesEgress, let zone = service.zone, zone != self.observed.settings.zone { return "Zone \(zone) serves it." }
        return mesh.usesEgress
            ? "The egress sends \(service.service) to \(service.host):\(service.port)."
            : "Proxies of mesh \(mesh.name) dial \(service.host):\(service.port) themselves."
    }

    private static func permitted(_ rules: CallerRules, _ service: ExternalService) -> Verdict {
        rules.allow.isEmpty
            ? .off(
                .notPermitted,
                "No MeshTrafficPermission of mesh \(service.mesh) allows a caller, so every connection is refused (not_permitted). Next: apply one with targetRef {kind: MeshService, name: \(service.service)}."
            )
            : .good(
                .accepted,
                "Allowed: \(rules.allow.joined(separator: ", "))\(rules.deny.isEmpty ? "" : "; denied: \(rules.deny.joined(separator: ", "))")."
            )
    }

    /// What a proxy says about the cluster of a service.
    private func rejected(_ service: ExternalService) -> Verdict? {
        let cluster = "cluster \(Subset(service: service.service.text).cluster(service.mesh))"
        let errors = self.observed.acknowledgements.sorted { $0.key < $1.key }.flatMap { proxy, answer in
            answer.errors.filter { $0.item == cluster }.map { (proxy, $0.message) }
        }
        guard let (proxy, message) = errors.first else { return nil }
        return .needsPerson(.configRejected, "\(proxy) cannot use it: \(message.asSentence)")
    }
}
