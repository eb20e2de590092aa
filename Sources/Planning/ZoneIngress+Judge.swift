import KubeAPI
import MeshModel

extension World {
    static func judge(_ judged: Judged<ZoneIngress>, _ settings: EgretSettings) -> Judged<ZoneIngress> {
        guard judged.accepted.isGood, let ingress = judged.resource else { return judged }
        var judged = judged
        if ingress.zone == nil {
            judged.accepted = .needsPerson(
                .invalidSpec, "spec.zone is not set, so nobody knows which zone this leads into. Next: set it to the name of that zone.")
        }
        return judged
    }

    func zoneIngressStatuses() -> [StatusPatch] {
        self.ingresses.compactMap { judged in
            var judgement = Judgement(accepted: judged.accepted, ready: "")
            if let ingress = judged.accountable {
                if ingress.zone == self.observed.settings.zone {
                    judgement.ready = "The ingress is of this zone; only other zones use it."
                } else if let advertised = ingress.advertised {
                    judgement.checks = Self.tooLong(ingress)
                    judgement.ready =
                        "\(Self.count(Set(ingress.availableServices.map { [$0.mesh, $0.tags[Tag.service] ?? ""] }).count, "service")) of zone \(ingress.zone ?? "") can be reached at \(advertised.address):\(advertised.port)."
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
                let subset = Subset(tags: service.tags.filter { $0.key == Tag.service || !Tag.isKumas($0.key) }),
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
        return self.ingresses.compactMap { judged in
            guard let ingress = judged.accountable, let zone = ingress.zone, zone != self.observed.settings.zone,
                let advertised = ingress.advertised, !ingress.availableServices.isEmpty, seen.insert(advertised).inserted
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
