import JSONModel
import KubeAPI
import MeshModel
import Routing

/// A tag set under which this zone takes traffic of other zones, and who serves it here.
struct LocalOffer {
    let tags: [String: String]
    let endpoints: [Endpoint]
    let isExternal: Bool

    /// However many egresses there are, an external service is there once.
    var instances: Int { self.isExternal ? 1 : self.endpoints.count }
}

extension World {
    /// What ready dataplanes of this zone offer, and external services that only this zone reaches; by mesh, in the order of
    /// their tags. A mesh without mTLS has no server names by which its services could be told apart.
    func findLocalOffers() -> [MeshName: [LocalOffer]] {
        self.soundMeshes.filter { $0.value.backend != nil }.mapValues { mesh in
            let inbounds = self.localInbounds[mesh.name] ?? [:]
            var found: [LocalOffer] = []
            for (tags, alike) in Dictionary(grouping: inbounds.values.joined(), by: \.tags) {
                found.append(
                    LocalOffer(tags: tags, endpoints: alike.map { Endpoint(address: $0.address, port: $0.port) }, isExternal: false))
            }
            let egresses = self.readyEgresses.map { Endpoint(address: $0.address, port: $0.port) }
            let bound = (self.servedExternals[mesh.name]?.items ?? []).map(\.service).filter { service in
                mesh.usesEgress && service.zone == self.observed.settings.zone && inbounds[service.service.text] == nil
            }
            for tags in Set(bound.map(\.tags)) { found.append(LocalOffer(tags: tags, endpoints: egresses, isExternal: true)) }
            return found.map { ($0, Self.order($0.tags)) }.sorted { $0.1 < $1.1 }.map(\.0)
        }
    }

    private static func order(_ tags: [String: String]) -> String { TagSNI(service: tags[Tag.service] ?? "", tags: tags).text }

    /// The same as ingresses of this zone tell other zones.
    var availableServices: [ZoneIngress.AvailableService] {
        self.sortedMeshes.flatMap { mesh in
            (self.localOffers[mesh.name] ?? []).map { offer in
                ZoneIngress.AvailableService(
                    mesh: mesh.name.text, tags: offer.tags, instances: offer.instances, isExternal: offer.isExternal)
            }
        }
    }

    /// Zone, services and public address of the zone's own ingresses, where they are not written there yet. One that nothing serves
    /// offers nothing, by which other zones stop sending to it: in time when it stops, because it says so before.
    func zoneIngressApplies() -> [Apply] {
        let all = JSON.array(self.availableServices.prefix(ZoneIngress.AvailableService.maxCount).map(\.json))
        return self.ingresses.compactMap { judged in
            guard let ingress = judged.accountable else { return nil }
            let (spec, zone, serves) = (judged.object.spec, self.observed.settings.zone, self.serves(judged))
            let services = serves ? all : []
            var wanted: JSON = ["zone": .string(zone), "availableServices": services]
            var news: [String] = []
            if ingress.zone != zone { news.append("it belongs to zone \(zone), the zone of this control plane") }
            if services != spec["availableServices"] ?? [] {
                news.append(
                    serves
                        ? "this zone offers \(Self.count(ofServices: services)) to other zones"
                        : "no proxy of it serves, so other zones are not to use it")
            }
            if case .found(let found, let place) = self.advertisement(of: judged) {
                wanted["networking"] = ["advertisedAddress": .string(found.address), "advertisedPort": JSON(Int(found.port))]
                if ingress.advertised != found { news.append("other zones reach it at \(found), as \(place) says") }
            } else if Self.wrote(judged.object, "networking", "advertisedAddress") {
                news.append("nothing says any more where other zones reach it")
            }
            if news.isEmpty { return nil }
            var object = KubeObject(.zoneIngresses, name: ingress.name, namespace: judged.object.namespace)
            object.spec = wanted
            return Apply(
                type: .zoneIngresses, object: object, manager: FieldManager.zone, force: true, change: .update,
                why: news.joined(separator: "; "), regarding: judged.object)
        }
    }

    private func serves(_ judged: Judged<ZoneIngress>) -> Bool {
        guard let ingress = judged.accountable else { return false }
        return ingress.isManaged ? self.pods(of: judged).contains(where: \.isPodReady) : self.isOnline(ingress)
    }

    private static func count(ofServices services: JSON) -> String {
        Self.count(Set((services.array ?? []).map { [$0["mesh"]?.string, $0.at("tags", Tag.service)?.string] }).count, "service")
    }
}
