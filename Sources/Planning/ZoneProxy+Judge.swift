import FoundationEssentials
import JSONModel
import KubeAPI
import MeshModel
import Routing

extension World {
    /// What holds for egresses and ingresses alike.
    static func judgeProxy<Proxy: ZoneProxy>(_ judged: Judged<Proxy>, _ home: Home) -> Judged<Proxy> {
        guard judged.accepted.isGood, let proxy = judged.resource, proxy.isManaged else { return judged }
        var judged = judged
        if home == .universal {
            judged.accepted = .needsPerson(
                .invalidSpec,
                "networking.address is not set, so nobody can reach the \(Proxy.role.rawValue). Next: set it to its machine's address.")
        } else if !Self.isLabel(ZoneProxyRole.children(of: proxy.name)) {
            judged.accepted = .needsPerson(
                .invalidSpec,
                "The name of an \(Proxy.role.rawValue) that the control plane runs has at most 57 characters of a-z, 0-9 and -, because its Service is named egret-<name>. Next: create it under such a name."
            )
        }
        return judged
    }

    /// RFC 1035 label, as names of Services are.
    private static func isLabel(_ name: String) -> Bool {
        name.utf8.count <= 63 && !name.hasSuffix("-")
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
    }

    /// Whether the control plane itself wrote a field of the spec, as `f:` steps of its path, and nobody has since.
    static func wrote(_ object: KubeObject, _ path: String...) -> Bool {
        (object.metadata.json["managedFields"]?.array ?? []).contains { entry in
            entry["manager"]?.string == FieldManager.zone && entry.at(["fieldsV1", "f:spec"] + path.map { "f:\($0)" }) != nil
        }
    }

    /// - Parameter harm: what it means that none serves, as a sentence of its own behind a space; empty when it means nothing.
    func judgement<Proxy: ZoneProxy>(
        of judged: Judged<Proxy>, harm: String, table: ProxyConfig?
    ) -> (judgement: Judgement, extras: [String: JSON]) {
        var judgement = Judgement(accepted: judged.accepted, ready: "")
        var extras: [String: JSON] = [:]
        if let proxy = judged.resource, judged.accepted.isGood {
            if let address = proxy.address {
                self.describe(proxy, at: address, harm, &judgement, &extras)
            } else {
                self.describeManaged(proxy, judged, harm, table, &judgement, &extras)
            }
            if let failure = self.observed.writeFailures[Proxy.role.type]?[judged.object.key] {
                judgement.checks.insert(.needsPerson(failure.reason, failure.sentence), at: 0)
            }
        } else if judged.resource?.isManaged == true {
            extras = self.counts(Proxy.role, of: judged.object.name, wanted: 0)
        }
        return (judgement, extras)
    }

    private func describe<Proxy: ZoneProxy>(
        _ proxy: Proxy, at address: String, _ harm: String, _ judgement: inout Judgement, _ extras: inout [String: JSON]
    ) {
        let place = "\(address):\(proxy.port)"
        extras["endpoint"] = .string(place)
        if !self.isOnline(proxy) {
            judgement.checks = [
                .waiting(
                    .offline,
                    "No proxy of this name is connected.\(harm) Next: egret-dp run --proxy-type=\(Proxy.role.rawValue) --name=\(proxy.name) with a zone token on that machine."
                )
            ]
        }
        judgement.ready = "It is connected; proxies reach it at \(place)."
        judgement.others = self.programmed([ProxyID(Proxy.role.proxy, proxy.name)]).map { [("Programmed", $0)] } ?? []
    }

    private func counts(_ role: ZoneProxyRole, of name: String, wanted: Int) -> [String: JSON] {
        let pods = self.pods(role, of: name).filter { !$0.metadata.isBeingDeleted && $0.namespace == self.observed.systemNamespace }
        let ready = pods.count(where: \.isPodReady)
        return [
            "replicas": JSON(pods.count), "readyReplicas": JSON(ready), "ready": .string("\(ready)/\(wanted)"),
            "selector": .string(role.selectorText(name)),
        ]
    }

    private func describeManaged<Proxy: ZoneProxy>(
        _ proxy: Proxy, _ judged: Judged<Proxy>, _ harm: String, _ table: ProxyConfig?, _ judgement: inout Judgement,
        _ extras: inout [String: JSON]
    ) {
        let role = Proxy.role
        let wanted = self.isRun(judged) ? self.wantedReplicas(proxy) : 0
        extras = self.counts(role, of: proxy.name, wanted: wanted)
        let namespace = self.observed.systemNamespace
        guard self.observed.settings[role].isEnabled else {
            judgement.checks = [
                .off(
                    role == .egress ? .egressDisabled : .ingressDisabled,
                    "The \(role.rawValue) is disabled in the settings, so nothing runs for this \(Proxy.kind).\(harm) Next: helm upgrade with \(role.setting)=true."
                )
            ]
            return
        }
        let name = ZoneProxyRole.children(of: proxy.name)
        let endpoint = "\(name).\(namespace).svc:\(self.servicePort(proxy))"
        extras["endpoint"] = .string(endpoint)
        extras["version"] = Self.version(ofImage: self.observed.settings.dataPlane.image).map(JSON.string)
        extras["configHash"] = .string(self.hash(table, of: Proxy.role, port: proxy.port))
        let ready = extras["readyReplicas"]?.int ?? 0
        if let foreign = self.foreignChild(of: judged.object) {
            let owner = foreign.metadata.controller.map { "\($0.kind) \($0.name)" } ?? "somebody else"
            judgement.checks = [
                .needsPerson(
                    .conflict,
                    "\(foreign.kind) \(foreign.name) belongs to \(owner), not to this \(Proxy.kind). Next: delete it, or give the \(Proxy.kind) another name."
                )
            ]
            return
        }
        if wanted == 0 {
            judgement.checks = [
                .off(
                    .noReadyEndpoints,
                    "replicas is 0.\(harm) Next: kubectl scale \(Proxy.kind.lowercased())/\(proxy.name) -n \(namespace) --replicas=1")
            ]
        } else if ready == 0 {
            judgement.checks = [self.whyNoPodIsReady(proxy, harm, name: name, wanted: wanted)]
        }
        judgement.ready = "\(ready) of \(Self.count(wanted, "pod")) serve at \(endpoint)."
        let pods = self.pods(role, of: proxy.name).filter(\.isPodReady).map { ProxyID(role.proxy, pod: $0) }
        if let programmed = self.programmed(pods) { judgement.others = [("Programmed", programmed)] }
    }

    private func whyNoPodIsReady<Proxy: ZoneProxy>(_ proxy: Proxy, _ harm: String, name: String, wanted: Int) -> Verdict {
        let namespace = self.observed.systemNamespace
        let next = "Next: kubectl get pods -n \(namespace) -l \(Proxy.role.label)=\(proxy.name)"
        let deployment = self.observed.objects[.deployments, namespace: namespace, name: name]
        if let progressing = deployment?.conditions["Progressing"], progressing.status == .false {
            return .needsPerson(
                .deploymentUnavailable, "No pod of Deployment \(name) becomes ready: \(progressing.message.asSentence)\(harm) \(next)")
        }
        return .waiting(.deploymentProgressing, "0 of \(Self.count(wanted, "pod")) of Deployment \(name) are ready.\(harm) \(next)")
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

    private func hash(_ table: ProxyConfig?, of role: ZoneProxyRole, port: UInt16) -> String {
        let table = table ?? ProxyConfig()
        // Encoding a large table takes longer than the rest of a plan; comparing it with the one before does not.
        let hash = self.observed.memory?.fingerprint(of: table, for: role, Self.fingerprint) ?? Self.fingerprint(table)
        return Fingerprint.of("\(hash) \(port)")
    }

    private static func fingerprint(_ table: ProxyConfig) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Cannot fail: the value is made of texts and numbers.
        return (try? encoder.encode(table)).map { Fingerprint.of($0) } ?? ""
    }

    /// The tag of an image reference.
    static func version(ofImage image: String) -> String? {
        let withoutDigest = image.split(separator: "@").first ?? ""
        guard let last = withoutDigest.split(separator: "/").last, let colon = last.lastIndex(of: ":") else { return nil }
        return String(last[last.index(after: colon)...])
    }
}
