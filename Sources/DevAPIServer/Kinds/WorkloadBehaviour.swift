import JSONModel

extension Behaviour {
    static let deployment = Behaviour(
        complete: { object, _ in
            Workload.completeTemplate(&object)
            guard object.at("spec", "strategy", "type") == "RollingUpdate" else { return }
            for name in ["maxUnavailable", "maxSurge"] where object.at("spec", "strategy", "rollingUpdate", name) == nil {
                object.set(["spec", "strategy", "rollingUpdate", name], to: "25%")
            }
        },
        validate: { object, old in
            var errors = Workload.validate(object, old)
            if object.at("spec", "strategy", "type") == "Recreate", object.at("spec", "strategy", "rollingUpdate") != nil {
                errors.append(.forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"))
            }
            return errors
        })

    static let replicaSet = Behaviour(
        complete: { object, _ in Workload.completeTemplate(&object) }, validate: { Workload.validate($0, $1) })

    static let job = Behaviour(
        complete: { object, _ in
            Workload.completeTemplate(&object)
            let uid = object.meta("uid") ?? ""
            guard object.at("spec", "selector") == nil, !uid.isEmpty else { return }
            object.set(["spec", "selector"], to: ["matchLabels": ["batch.kubernetes.io/controller-uid": JSON(uid)]])
            for (label, value) in [("controller-uid", uid), ("job-name", object.meta("name") ?? "")] {
                object.set(["spec", "template", "metadata", "labels", "batch.kubernetes.io/\(label)"], to: JSON(value))
            }
        },
        validate: { object, _ in
            PodRules.validate(
                spec: object.at("spec", "template", "spec") ?? [:], at: FieldPath("spec.template.spec"),
                restartPolicies: ["OnFailure", "Never"])
        })
}

/// Rules shared by kinds that own pods through a selector.
enum Workload {
    static func completeTemplate(_ object: inout JSON) {
        // A Go struct is never missing: what it lacks is reproached below it.
        var spec = object.at("spec", "template", "spec") ?? [:]
        PodRules.complete(spec: &spec)
        object.set(["spec", "template", "spec"], to: spec)
    }

    static func validate(_ object: JSON, _ old: JSON?) -> [FieldError] {
        var errors: [FieldError] = []
        if let replicas = object.at("spec", "replicas"), let count = replicas.int, count < 0 {
            errors.append(.invalid("spec.replicas", replicas, "must be greater than or equal to 0"))
        }
        let selector = object.at("spec", "selector") ?? [:]
        if selector.object?.isEmpty ?? true, object.at("spec", "selector") != nil {
            errors.append(.invalid("spec.selector", selector, "empty selector is invalid for deployment"))
        }
        if object.at("spec", "selector") == nil
            || !SelectorValue.matches(selector, object.at("spec", "template", "metadata", "labels") ?? [:])
        {
            errors.append(
                .invalid(
                    "spec.template.metadata.labels", object.at("spec", "template", "metadata", "labels") ?? .null,
                    "`selector` does not match template `labels`"))
        }
        if let before = old?.at("spec", "selector"), before != selector {
            errors.append(.invalid("spec.selector", selector, "field is immutable"))
        }
        errors += NameRules.check(metadata: object.at("spec", "template", "metadata"), at: "spec.template")
        return errors
            + PodRules.validate(
                spec: object.at("spec", "template", "spec") ?? [:], at: FieldPath("spec.template.spec"), restartPolicies: ["Always"])
    }
}

/// A LabelSelector as it stands in an object.
enum SelectorValue {
    static func matches(_ selector: JSON, _ labels: JSON) -> Bool {
        for (key, value) in selector["matchLabels"]?.object ?? [:] where labels[key] != value { return false }
        for expression in selector["matchExpressions"]?.array ?? [] {
            let label = labels[expression["key"]?.string ?? ""]
            let values = expression["values"]?.array ?? []
            let holds =
                switch expression["operator"]?.string {
                case "In": label.map(values.contains) ?? false
                case "NotIn": !(label.map(values.contains) ?? false)
                case "Exists": label != nil
                case "DoesNotExist": label == nil
                default: false
                }
            if !holds { return false }
        }
        return true
    }

    /// `a=b,c in (d,e)`, the form a Scale's status carries.
    static func text(_ selector: JSON) -> String {
        var parts = (selector["matchLabels"]?.object ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.string ?? "")" }
        for expression in selector["matchExpressions"]?.array ?? [] {
            let key = expression["key"]?.string ?? ""
            let values = (expression["values"]?.array ?? []).compactMap(\.string).joined(separator: ",")
            switch expression["operator"]?.string {
            case "In": parts.append("\(key) in (\(values))")
            case "NotIn": parts.append("\(key) notin (\(values))")
            case "Exists": parts.append(key)
            default: parts.append("!\(key)")
            }
        }
        return parts.joined(separator: ",")
    }
}
