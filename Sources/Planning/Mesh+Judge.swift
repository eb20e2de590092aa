import KubeAPI
import MeshModel

extension World {
    static func judge(_ judged: Judged<Mesh>) -> Judged<Mesh> {
        guard let mesh = judged.resource else { return judged }
        var judged = judged
        // Reporting needs a proxy that lets a forbidden caller pass: until there is one, the strict mode holds.
        let ignored = mesh.ignoredFields + (mesh.routing.egressMode == .report ? ["routing.egressMode"] : [])
        judged.accepted = accepted("The spec is valid.", ignoring: ignored.sorted())
        return judged
    }

    func meshStatuses() -> [StatusPatch] {
        self.meshes.compactMap { judged in
            var judgement = Judgement(accepted: judged.accepted, ready: "")
            if let mesh = judged.resource {
                judgement.ready = self.ready(mesh) + Self.rotation(mesh)
                judgement.checks = [self.authority(mesh), self.egress(mesh)].compactMap(\.self)
                if let setAside = Self.setAside(judged.object) { judgement.others.append(("Sole", setAside)) }
            }
            return self.status(of: judged.object, type: .meshes, judgement)
        }
    }

    /// There is another of this name, made in the zone.
    private static func setAside(_ object: KubeObject) -> Verdict? {
        guard object.metadata.labels[Origin.setAsideLabel] != nil else { return nil }
        return .needsPerson(
            .nameTaken,
            "A Mesh of this name was made in this zone, too. It is set aside: the one of the global control plane counts, and this zone's comes back when that one is deleted."
        )
    }

    private func ready(_ mesh: Mesh) -> String {
        if self.observed.settings.standing == .global { return "Zones get it, with everything that belongs to it." }
        guard mesh.backend != nil else { return "The mesh works without mTLS; its traffic takes the direct path." }
        guard mesh.usesEgress else { return "The mesh works; its traffic takes the direct path." }
        return
            "Traffic to other zones and to external services goes through the egress (\(Self.count(self.readyEgresses.count, "endpoint")) ready)."
    }

    /// A rotation in progress, as a sentence of its own.
    private static func rotation(_ mesh: Mesh) -> String {
        guard case .builtin(_, _, let generations)? = mesh.backend?.authority, generations.count == 2 else { return "" }
        return " Authority \(generations[0]) signs, and \(generations[1]) is trusted as well: a rotation is under way."
    }

    private func authority(_ mesh: Mesh) -> Verdict? {
        guard let backend = mesh.backend else { return nil }
        if let problem = self.observed.authorityProblems[mesh.name] {
            return .needsPerson(
                .authorityUnusable,
                "The certificate authority \(backend.name) cannot sign: \(problem.asSentence) Nothing of this mesh is served.")
        }
        if self.observed.trust[mesh.name] == nil, self.awaitsGlobal(mesh.name) {
            return .waiting(
                .authorityPending,
                "The certificate authority \(backend.name) comes from the global control plane and is not here yet. Next: is the zone connected?"
            )
        }
        if self.observed.trust[mesh.name] == nil {
            return .waiting(.authorityPending, "The certificate authority \(backend.name) is not there yet.")
        }
        return nil
    }

    private func egress(_ mesh: Mesh) -> Verdict? {
        // Whether there are egresses is each zone's own question.
        guard mesh.usesEgress, self.readyEgresses.isEmpty, self.observed.settings.standing != .global else { return nil }
        let closed =
            "routing.zoneEgress is on and no egress is ready, so traffic of this mesh to other zones and to external services fails (closed, never around)."
        let namespace = self.observed.systemNamespace
        if self.observed.home == .universal {
            return .waiting(.noReadyEndpoints, "\(closed) Next: egretctl inspect zoneegresses")
        }
        let managed = self.egresses.filter { $0.accountable?.isManaged == true }
        if !self.observed.settings.egress.isEnabled {
            return .needsPerson(
                .noReadyEndpoints,
                "\(closed) The egress is disabled in the settings. Next: helm upgrade with kuma.egress.enabled=true, or routing.zoneEgress: false."
            )
        }
        if !managed.isEmpty, managed.allSatisfy({ self.wantedReplicas($0.resource) == 0 }), let first = managed.first {
            return .off(
                .noReadyEndpoints,
                "\(closed) It is scaled to 0 replicas. Next: kubectl scale zoneegress/\(first.object.name) -n \(namespace) --replicas=1")
        }
        return .waiting(.noReadyEndpoints, "\(closed) Next: kubectl get zoneegress,pods -n \(namespace)")
    }

    static func count(_ number: Int, _ noun: String, _ plural: String? = nil) -> String {
        "\(number) \(number == 1 ? noun : plural ?? "\(noun)s")"
    }
}
