import JSONModel

/// What a pod's spec gets beyond its table's defaults, in a pod and in every template alike.
enum PodRules {
    static func complete(spec: inout JSON) {
        guard spec.object != nil else { return }
        for list in ["initContainers", "containers"] {
            guard let containers = spec[list]?.array else { continue }
            spec[list] = .array(containers.map(Self.completed))
        }
        if let account = spec["serviceAccountName"] ?? spec["serviceAccount"], account.string?.isEmpty == false {
            spec["serviceAccountName"] = account
            spec["serviceAccount"] = account
        }
        if let volumes = spec["volumes"]?.array {
            spec["volumes"] = .array(
                volumes.map { volume in
                    (volume.object?.count ?? 0) > 1 ? volume : MergePatch.apply(["emptyDir": [:]], to: volume)
                })
        }
    }

    private static func completed(_ container: JSON) -> JSON {
        var container = container
        if container["imagePullPolicy"] == nil {
            let image = container["image"]?.string ?? ""
            let name = image.split(separator: "/").last ?? ""
            let isLatest = !image.contains("@") && (!name.contains(":") || name.hasSuffix(":latest"))
            container["imagePullPolicy"] = isLatest ? "Always" : "IfNotPresent"
        }
        return container
    }

    /// A limit without a request asks for as much. In pods only: templates keep what was written.
    static func requestLimits(_ spec: inout JSON) {
        guard let containers = spec["containers"]?.array else { return }
        spec["containers"] = .array(
            containers.map { container in
                var container = container
                for (name, limit) in container.at("resources", "limits")?.object ?? [:]
                where container.at("resources", "requests", name) == nil { container.set(["resources", "requests", name], to: limit) }
                return container
            })
    }

    static func validate(spec: JSON, at path: FieldPath, restartPolicies: [String]) -> [FieldError] {
        var errors = NameRules.check(labels: spec["nodeSelector"], at: path.member("nodeSelector").text)
        if spec["containers"]?.array?.isEmpty == true { errors.append(.required(path.member("containers").text)) }
        let volumes = Set((spec["volumes"]?.array ?? []).compactMap { $0["name"]?.string })
        for list in ["initContainers", "containers"] {
            for (index, container) in (spec[list]?.array ?? []).enumerated() {
                let place = path.member(list).index(index)
                if container["image"]?.string?.isEmpty ?? true { errors.append(.required(place.member("image").text)) }
                if let name = container["name"]?.string, name.count > 63 || !NameRules.isLabel(name) {
                    errors.append(.invalid(place.member("name").text, JSON(name), NameRules.label))
                }
                for (mountIndex, mount) in (container["volumeMounts"]?.array ?? []).enumerated() {
                    guard let name = mount["name"]?.string, !volumes.contains(name) else { continue }
                    let field = place.member("volumeMounts").index(mountIndex).member("name").text
                    errors.append(FieldError(reason: .notFound, field: field, message: "Not found: \(JSON(name).goText)"))
                }
                for (portIndex, port) in (container["ports"]?.array ?? []).enumerated() {
                    guard let number = port["containerPort"]?.int, !(1...65535).contains(number) else { continue }
                    errors.append(
                        .invalid(
                            place.member("ports").index(portIndex).member("containerPort").text, JSON(number),
                            "must be between 1 and 65535, inclusive"))
                }
            }
        }
        if let policy = spec["restartPolicy"], let text = policy.string, !restartPolicies.contains(text) {
            errors.append(.unsupported(path.member("restartPolicy").text, policy, choices: restartPolicies.map { JSON($0) }))
        }
        return errors
    }
}

extension Behaviour {
    static let pod = Behaviour(
        complete: { pod, _ in
            guard var spec = pod["spec"] else { return }
            PodRules.complete(spec: &spec)
            if spec["enableServiceLinks"] == nil { spec["enableServiceLinks"] = true }
            PodRules.requestLimits(&spec)
            pod["spec"] = spec
        },
        prepareCreate: { pod, context in
            try PodAdmission.bindServiceAccount(&pod, context)
            pod.set(["spec", "priority"], to: pod.at("spec", "priority") ?? 0)
            pod.set(["spec", "preemptionPolicy"], to: pod.at("spec", "preemptionPolicy") ?? "PreemptLowerPriority")
            PodAdmission.tolerateUnreachableNodes(&pod)
            pod["status"] = ["phase": "Pending", "qosClass": JSON(PodAdmission.qualityClass(pod))]
        },
        validate: { pod, old in
            var errors = PodRules.validate(
                spec: pod["spec"] ?? [:], at: FieldPath("spec"), restartPolicies: ["Always", "OnFailure", "Never"])
            if let old, PodAdmission.fixed(pod) != PodAdmission.fixed(old) {
                errors.append(
                    .forbidden(
                        "spec",
                        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                            + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
                            + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"))
            }
            return errors
        })
}

/// What admission adds to a new pod.
enum PodAdmission {
    static let tokenDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

    static func bindServiceAccount(_ pod: inout JSON, _ context: Behaviour.Context) throws {
        let namespace = pod.meta("namespace") ?? ""
        let name = pod.at("spec", "serviceAccountName")?.string ?? "default"
        guard let account = context.lookUp("serviceaccounts", namespace, name) else {
            throw APIError(
                code: 403, reason: "Forbidden",
                message: "pods \"\(pod.meta("name") ?? "")\" is forbidden: error looking up service account \(namespace)/\(name): "
                    + "serviceaccount \"\(name)\" not found",
                details: ["name": JSON(pod.meta("name") ?? ""), "kind": "pods"])
        }
        pod.set(["spec", "serviceAccountName"], to: JSON(name))
        pod.set(["spec", "serviceAccount"], to: JSON(name))
        let mounts = pod.at("spec", "automountServiceAccountToken")?.bool ?? account["automountServiceAccountToken"]?.bool ?? true
        guard mounts else { return }
        let letters = Array("bcdfghjklmnpqrstvwxz2456789")
        let volumeName = "kube-api-access-" + String((0..<5).map { _ in letters[context.randomNumber(0..<letters.count)] })
        var isMounted = false
        for list in ["initContainers", "containers"] {
            guard let containers = pod.at("spec", list)?.array else { continue }
            pod.set(
                ["spec", list],
                to: .array(
                    containers.map { container in
                        var container = container
                        var present = container["volumeMounts"]?.array ?? []
                        guard !present.contains(where: { $0["mountPath"]?.string == Self.tokenDirectory }) else { return container }
                        present.append(["name": JSON(volumeName), "readOnly": true, "mountPath": JSON(Self.tokenDirectory)])
                        container["volumeMounts"] = .array(present)
                        isMounted = true
                        return container
                    }))
        }
        guard isMounted else { return }
        pod.set(["spec", "volumes"], to: .array((pod.at("spec", "volumes")?.array ?? []) + [Self.tokenVolume(volumeName)]))
    }

    private static func tokenVolume(_ name: String) -> JSON {
        [
            "name": JSON(name),
            "projected": [
                "defaultMode": 420,
                "sources": [
                    ["serviceAccountToken": ["expirationSeconds": 3607, "path": "token"]],
                    ["configMap": ["name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]]]],
                    [
                        "downwardAPI": [
                            "items": [["path": "namespace", "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"]]]
                        ]
                    ],
                ],
            ],
        ]
    }

    static func tolerateUnreachableNodes(_ pod: inout JSON) {
        var tolerations = pod.at("spec", "tolerations")?.array ?? []
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
        where !tolerations.contains(where: { $0["key"] == JSON(key) || ($0["key"] == nil && $0["operator"] == "Exists") }) {
            tolerations.append(["key": JSON(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300])
        }
        pod.set(["spec", "tolerations"], to: .array(tolerations))
    }

    static func qualityClass(_ pod: JSON) -> String {
        let containers = pod.at("spec", "containers")?.array ?? []
        func amounts(_ name: String) -> [[String: JSON]] { containers.map { $0.at("resources", name)?.object ?? [:] } }
        if (amounts("limits") + amounts("requests")).allSatisfy(\.isEmpty) { return "BestEffort" }
        let isGuaranteed = zip(amounts("limits"), amounts("requests")).allSatisfy { limits, requests in
            limits["cpu"] != nil && limits["memory"] != nil && limits["cpu"] == requests["cpu"] && limits["memory"] == requests["memory"]
        }
        return isGuaranteed ? "Guaranteed" : "Burstable"
    }

    /// The part of a pod's spec that no update may change.
    static func fixed(_ pod: JSON) -> JSON {
        var spec = pod["spec"] ?? [:]
        for name in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates", "ephemeralContainers"] {
            spec[name] = nil
        }
        for list in ["initContainers", "containers"] {
            guard let containers = spec[list]?.array else { continue }
            spec[list] = .array(
                containers.map { container in
                    var container = container
                    container["image"] = nil
                    container["imagePullPolicy"] = nil
                    return container
                })
        }
        return spec
    }
}
