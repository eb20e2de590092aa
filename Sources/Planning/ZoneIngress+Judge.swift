import JSONModel
import KubeAPI
import MeshModel

extension World {
    static func judge(_ judged: Judged<ZoneIngress>, _ observed: Observed) -> Judged<ZoneIngress> {
        Self.isOwn(judged.object, observed.settings) ? Self.judgeProxy(judged, observed.home) : judged
    }

    /// Whether an ingress leads into this zone, so that its proxies are ours to serve.
    static func isOwn(_ object: KubeObject, _ settings: EgretSettings) -> Bool {
        let zone = object.spec["zone"]?.string ?? ""
        return zone.isEmpty || zone == settings.zone || Self.wrote(object, "zone")
    }

    func zoneIngressStatuses() -> [StatusPatch] {
        self.remoteIngressStatuses()
            + self.ingresses.compactMap { judged in
                var (judgement, extras) = self.judgement(of: judged, harm: "", table: self.ingressTable)
                if judged.accountable != nil {
                    switch self.advertisement(of: judged) {
                    case .given(let place), .found(let place, _): judgement.ready += " Other zones reach it at \(place)."
                    case .missing(let verdict): judgement.checks.append(verdict)
                    }
                    judgement.checks += self.tooMany
                }
                return self.status(of: judged.object, type: .zoneIngresses, judgement, extras: extras)
            }
    }

    private var tooMany: [Verdict] {
        let (count, most) = (self.availableServices.count, ZoneIngress.AvailableService.maxCount)
        if count <= most { return [] }
        return [
            .needsPerson(
                .unsupported,
                "This zone offers \(count) tag sets, and a ZoneIngress has room for \(most): other zones do not hear of the rest. Next: give dataplanes fewer different tags."
            )
        ]
    }

    private func remoteIngressStatuses() -> [StatusPatch] {
        self.foreignIngresses.compactMap { judged in
            var judgement = Judgement(accepted: judged.accepted, ready: "")
            if let ingress = judged.accountable {
                if let advertised = ingress.advertised {
                    judgement.checks = Self.tooLong(ingress)
                    judgement.ready =
                        "\(Self.count(Set(ingress.availableServices.map { [$0.mesh, $0.tags[Tag.service] ?? ""] }).count, "service")) of zone \(ingress.zone ?? "") can be reached at \(advertised)."
                } else {
                    judgement.checks = [
                        .needsPerson(
                            .notAdvertised,
                            "networking.advertisedAddress and advertisedPort are not set, so this zone cannot reach the ingress. Next: set both."
                        )
                    ]
                }
            }
            return self.status(of: judged.object, type: .zoneIngresses, judgement)
        }
    }

    /// What is left out because nobody could ask for it; the rest of the ingress is used.
    private static func tooLong(_ ingress: ZoneIngress) -> [Verdict] {
        ingress.availableServices.enumerated().compactMap { index, service in
            guard let mesh = try? MeshName(service.mesh),
                let subset = Subset(tags: service.tags.filter { $0.key == Tag.service || !Tag.isOfPlatform($0.key) }),
                let tooLong = subset.tooLong(mesh)
            else { return nil }
            return .needsPerson(
                .invalidSpec,
                "availableServices[\(index)], \(subset.service) of mesh \(mesh): \(tooLong) It is not routed by them, and everything else is. Next: shorten the tags."
            )
        }
    }

    /// Ingresses of other zones that can be used, one for each address: replicas of one ingress share theirs. One that
    /// offers nothing does not stand in for one that does.
    func findRemoteIngresses() -> [RemoteIngress] {
        var seen: Set<ZoneIngress.Advertised> = []
        return self.foreignIngresses.compactMap { judged in
            guard let ingress = judged.accountable, let zone = ingress.zone, let advertised = ingress.advertised,
                !ingress.availableServices.isEmpty, seen.insert(advertised).inserted
            else { return nil }
            return RemoteIngress(
                name: judged.object.metadata.key.description, zone: zone, advertised: advertised, services: ingress.availableServices)
        }
    }
}

struct RemoteIngress {
    let name: String
    let zone: String
    let advertised: ZoneIngress.Advertised
    let services: [ZoneIngress.AvailableService]
}
