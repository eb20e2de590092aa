import JSONModel
import KubeAPI
import MeshModel
import Routing

extension World {
    static func judge(_ judged: Judged<ZoneEgress>, _ settings: EgretSettings) -> Judged<ZoneEgress> {
        guard judged.accepted.isGood, let egress = judged.resource else { return judged }
        var judged = judged
        if let zone = egress.zone, zone != settings.zone, !Self.wroteZone(judged.object) {
            judged.accepted = .needsPerson(
                .zoneMismatch,
                "spec.zone is \(zone), but this cluster is zone \(settings.zone), so the egress is not used. Next: remove spec.zone, the control plane fills it in."
            )
        } else if egress.isManaged, !Self.isLabel(EgressNames.children(of: egress.name)) {
            judged.accepted = .needsPerson(
                .invalidSpec,
                "The name of an egress that the control plane runs has at most 57 characters of a-z, 0-9 and -, because its Service is named egret-<name>. Next: create it under such a name."
            )
        }
        return judged
    }

    /// RFC 1035 label, as names of Services are.
    private static func isLabel(_ name: String) -> Bool {
        name.utf8.count <= 63 && !name.hasSuffix("-")
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
    }

    /// The value in `spec.zone` is the control plane's own, from before the zone was renamed.
    static func wroteZone(_ object: KubeObject) -> Bool {
        (object.metadata.json["managedFields"]?.array ?? []).contains { entry in
            entry["manager"]?.string == FieldManager.zone && entry.at("fieldsV1", "f:spec", "f:zone") != nil
        }
    }

    func zoneApplies() -> [Apply] {
        self.egresses.compactMap { judged in
            guard let egress = judged.accountable, egress.zone != self.observed.settings.zone else { return nil }
            var object = KubeObject(.zoneEgresses, name: egress.name, namespace: judged.object.namespace)
            object.spec = ["zone": .string(self.observed.settings.zone)]
            return Apply(
                type: .zoneEgresses, object: object, manager: FieldManager.zone, force: false, change: .update,
                why: "ZoneEgress \(egress.name) belongs to zone \(self.observed.settings.zone), the zone of this cluster",
                regarding: judged.object)
        }
    }

    func zoneEgressStatuses() -> [StatusPatch] {
        self.egresses.compactMap { judged in
            var judgement = Judgement(accepted: judged.accepted, ready: "")
            var extras: [String: JSON] = [:]
            if let egress = judged.resource, judged.accepted.isGood {
                if egress.isManaged {
                    self.describeManaged(egress, judged, &judgement, &extras)
                } else {
                    extras["endpoint"] = .string("\(egress.address ?? ""):\(egress.port)")
                    if !self.isOnline(egress) {
                        judgement.checks = [
                            .waiting(.offline, "No proxy of this name is connected.\(self.failsClosed) \(Self.startEgress(egress))")
                        ]
                    }
                    judgement.ready = "It is connected; proxies of this zone reach it at \(egress.address ?? ""):\(egress.port)."
                    judgement.others = self.programmed([ProxyID(.egress, egress.name)]).map { [("Programmed", $0)] } ?? []
                }
                if let failure = self.observed.writeFailures[judged.object.key] {
                    judgement.checks.insert(.needsPerson(failure.reason, failure.sentence), at: 0)
                }
            } else if judged.resource?.isManaged == true {
                extras = self.counts(of: judged.object.name, wanted: 0)
            }
            return self.status(of: judged.object, type: .zoneEgresses, judgement, extras: extras)
        }
    }

    private func counts(of name: String, wanted: Int) -> [String: JSON] {
        let pods = self.pods(of: name).filter { !$0.metadata.isBeingDeleted && $0.namespace == self.observed.systemNamespace }
        let ready = pods.count(where: \.isPodReady)
        return [
            "replicas": JSON(pods.count), "readyReplicas": JSON(ready), "ready": .string("\(ready)/\(wanted)"),
            "selector": .string(EgressNames.selectorText(name)),
        ]
    }

    private func describeManaged(
        _ egress: ZoneEgress, _ judged: Judged<ZoneEgress>, _ judgement: inout Judgement, _ extras: inout [String: JSON]
    ) {
        let wanted = self.isRun(judged) ? self.wantedReplicas(egress) : 0
        extras = self.counts(of: egress.name, wanted: wanted)
        let namespace = self.observed.systemNamespace
        guard self.observed.settings.egress.isEnabled else {
            judgement.checks = [
                .off(
                    .egressDisabled,
                    "The egress is disabled in the settings, so nothing runs for this ZoneEgress.\(self.failsClosed) Next: helm upgrade with kuma.egress.enabled=true."
                )
            ]
            return
        }
        let name = EgressNames.children(of: egress.name)
        let endpoint = "\(name).\(namespace).svc:\(self.servicePort(egress))"
        extras["endpoint"] = .string(endpoint)
        extras["version"] = Self.version(ofImage: self.observed.settings.dataPlane.image).map(JSON.string)
        extras["configHash"] = .string(self.egressTableHash(port: egress.port))
        let ready = extras["readyReplicas"]?.int ?? 0
        if let foreign = self.foreignChild(of: egress, judged.object) {
            let owner = foreign.metadata.controller.map { "\($0.kind) \($0.name)" } ?? "somebody else"
            judgement.checks = [
                .needsPerson(
                    .conflict,
                    "\(foreign.kind) \(foreign.name) belongs to \(owner), not to this ZoneEgress. Next: delete it, or give the ZoneEgress another name."
                )
            ]
            return
        }
        if wanted == 0 {
            judgement.checks = [
                .off(
                    .noReadyEndpoints,
                    "replicas is 0.\(self.failsClosed) Next: kubectl scale zoneegress/\(egress.name) -n \(namespace) --replicas=1")
            ]
        } else if ready == 0 {
            judgement.checks = [self.whyNoPodIsReady(egress, name: name, wanted: wanted)]
        }
        judgement.ready = "\(ready) of \(Self.count(wanted, "pod")) serve at \(endpoint)."
        let pods = self.pods(of: egress.name).filter(\.isPodReady).map { ProxyID(.egress, pod: $0) }
        if let programmed = self.programmed(pods) { judgement.others = [("Programmed", programmed)] }
    }

    private func whyNoPodIsReady(_ egress: ZoneEgress, name: String, wanted: Int) -> Verdict {
        let namespace = self.observed.systemNamespace
        let next = "Next: kubectl get pods -n \(namespace) -l \(EgressNames.zoneEgressLabel)=\(egress.name)"
        let deployment = self.observed.objects[.deployments, namespace: namespace, name: name]
        if let progressing = deployment?.conditions["Progressing"], progressing.status == .false {
            return .needsPerson(
                .deploymentUnavailable,
                "No pod of Deployment \(name) becomes ready: \(progressing.message.asSentence)\(self.failsClosed) \(next)")
        }
        return .waiting(
            .deploymentProgressing, "0 of \(Self.count(wanted, "pod")) of Deployment \(name) are ready.\(self.failsClosed) \(next)")
    }

    /// Who suffers when there is no egress, as a sentence of its own; empty when nobody does or others serve.
    private var failsClosed: String {
        let meshes = self.sortedMeshes.filter(\.usesEgress).map(\.name.text)
        guard !meshes.isEmpty, self.readyEgresses.isEmpty else { return "" }
        return
            " Traffic of \(meshes.count == 1 ? "mesh" : "meshes") \(meshes.joined(separator: ", ")) through the egress fails (closed, never around)."
    }

    private static func startEgress(_ egress: ZoneEgress) -> String {
        "Next: egret-dp run --proxy-type=egress --name=\(egress.name) with a zone token on that machine."
    }

    /// What the proxies say about their tables. Nil without proxies to say anything.
    private func programmed(_ proxies: [ProxyID]) -> Verdict? {
        if proxies.isEmpty { return nil }
        let answers = proxies.map { (name: $0.name, answer: self.observed.acknowledgements[$0]) }
        for (name, answer) in answers {
            guard let error = answer?.errors.min(by: { $0.item < $1.item }) else { continue }
            return .needsPerson(
                .configRejected, "Proxy \(name) cannot use \(error.item): \(error.message.asSentence) Everything else is served.")
        }
        let silent = answers.filter { $0.answer == nil }.map(\.name)
        if let first = silent.first {
            return .waiting(
                .deploymentProgressing,
                "\(Self.count(silent.count, "proxy", "proxies")) did not confirm a configuration yet, \(first) among them.")
        }
        return .good(.programmed, "\(Self.count(proxies.count, "proxy", "proxies")) confirmed the configuration.")
    }

    /// The tag of an image reference.
    static func version(ofImage image: String) -> String? {
        let withoutDigest = image.split(separator: "@").first ?? ""
        guard let last = withoutDigest.split(separator: "/").last, let colon = last.lastIndex(of: ":") else { return nil }
        return String(last[last.index(after: colon)...])
    }
}
