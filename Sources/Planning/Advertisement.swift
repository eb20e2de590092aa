import JSONModel
import KubeAPI
import MeshModel

/// Whether and where other zones reach an ingress of this zone.
enum Advertisement: Hashable {
    /// Somebody wrote it into the spec.
    case given(ZoneIngress.Advertised)
    /// The control plane found it, and writes it there.
    case found(ZoneIngress.Advertised, place: String)
    case missing(Verdict)
}

extension World {
    private static let addressAnnotation = "kuma.io/ingress-public-address"
    private static let portAnnotation = "kuma.io/ingress-public-port"

    /// What a person says counts most, in the spec or by annotations; else the Service of an ingress that the control plane runs.
    func advertisement(of judged: Judged<ZoneIngress>) -> Advertisement {
        if let given = judged.resource?.advertised, !Self.wrote(judged.object, "networking", "advertisedAddress") { return .given(given) }
        guard let ingress = judged.accountable, self.isRun(judged) else {
            return .missing(
                .needsPerson(
                    .notAdvertised,
                    "networking.advertisedAddress and advertisedPort are not set, so other zones ignore the ingress. Next: set both."))
        }
        let annotations =
            (ingress.deployment["podAnnotations"]?.object?.compactMapValues(\.string) ?? self.observed.settings.ingress.podAnnotations)
            .merging(judged.object.metadata.annotations) { _, own in own }
        switch (annotations[Self.addressAnnotation], annotations[Self.portAnnotation]) {
        case (nil, nil): return self.placeOfService(ingress, before: ingress.advertised)
        case (.some(let address), .some(let text)):
            guard let port = UInt16(text), port > 0, Address.isValid(address), address != "0.0.0.0", address != "::" else {
                return .missing(
                    .needsPerson(
                        .notAdvertised,
                        "The annotations \(Self.addressAnnotation) and \(Self.portAnnotation) say \"\(address)\" and \"\(text)\", which is no address with a port from 1 to 65535. Next: correct them."
                    ))
            }
            return .found(.init(address: address, port: port), place: "the annotation \(Self.addressAnnotation)")
        default:
            return .missing(
                .needsPerson(
                    .notAdvertised,
                    "Of the annotations \(Self.addressAnnotation) and \(Self.portAnnotation) only one is set, so other zones ignore the ingress. Next: set both."
                ))
        }
    }

    /// - Parameter before: what was found last; of several it stays.
    private func placeOfService(_ ingress: ZoneIngress, before: ZoneIngress.Advertised?) -> Advertisement {
        let name = ZoneProxyRole.children(of: ingress.name)
        let namespace = self.observed.systemNamespace
        guard let service = self.observed.objects[.services, namespace: namespace, name: name],
            let port = service.spec["ports"]?[0]
        else { return .missing(.waiting(.notAdvertised, "Service \(name) is not there yet, so other zones cannot reach the ingress.")) }
        let place = "Service \(name)"
        switch service.spec["type"]?.string {
        case "LoadBalancer":
            let balancer = service.status.at("loadBalancer", "ingress")?[0]
            if let address = balancer?["hostname"]?.string ?? balancer?["ip"]?.string,
                let port = port["port"]?.int.flatMap(UInt16.init(exactly:))
            {
                return .found(.init(address: address, port: port), place: place)
            }
            return .missing(
                .waiting(
                    .notAdvertised,
                    "Service \(name) has no address from a load balancer yet, so other zones cannot reach the ingress. Next: kubectl get service \(name) -n \(namespace); \(Self.alternatives)"
                ))
        case "NodePort":
            guard let port = port["nodePort"]?.int.flatMap(UInt16.init(exactly:)) else {
                return .missing(.waiting(.notAdvertised, "Service \(name) has no node port yet, so other zones cannot reach the ingress."))
            }
            // Any node will do; one with a pod of ours is there for sure.
            let nodes = self.pods(.ingress, of: ingress.name).filter(\.isPodReady).compactMap { $0.status["hostIP"]?.string }.sorted()
            if let before, before.port == port, nodes.contains(before.address) { return .found(before, place: place) }
            if let node = nodes.first { return .found(.init(address: node, port: port), place: "\(place) with the node of a pod") }
            if let before, before.port == port { return .found(before, place: place) }
            return .missing(
                .waiting(.notAdvertised, "No pod of the ingress is ready, so there is no node yet at which other zones could reach it."))
        default:
            return .missing(
                .needsPerson(
                    .notAdvertised,
                    "Service \(name) is of type \(service.spec["type"]?.string ?? "ClusterIP"), which other zones cannot reach. Next: set kuma.ingress.service.type=LoadBalancer; \(Self.alternatives)"
                ))
        }
    }

    private static let alternatives =
        "or say where they reach it by the annotations \(addressAnnotation) and \(portAnnotation) of the ZoneIngress."
}

extension ZoneIngress.Advertised: CustomStringConvertible {
    public var description: String { "\(self.address):\(self.port)" }
}
