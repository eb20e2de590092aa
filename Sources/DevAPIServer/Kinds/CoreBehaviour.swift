import FoundationEssentials
import JSONModel

extension Behaviour {
    static let namespace = Behaviour(
        complete: { object, _ in object.set(["metadata", "labels", "kubernetes.io/metadata.name"], to: object.at("metadata", "name")) },
        prepareCreate: { object, _ in
            object.set(["spec", "finalizers"], to: ["kubernetes"])
            object["status"] = ["phase": "Active"]
        })

    static let secret = Behaviour(
        complete: { object, _ in
            for (key, value) in object["stringData"]?.object ?? [:] {
                object.set(["data", key], to: JSON(Data((value.string ?? "").utf8).base64EncodedString()))
            }
            object["stringData"] = nil
        },
        validate: { object, old in
            var errors = Immutability.check(object, old, fields: ["data"])
            if let old, old["type"] != object["type"] {
                errors.append(.invalid("type", object["type"] ?? .null, "field is immutable"))
            }
            if object["type"] == "kubernetes.io/tls" {
                for key in ["tls.crt", "tls.key"] where object.at("data", key) == nil { errors.append(.required("data[\(key)]")) }
            }
            return errors + DataKeys.check(object["data"], at: "data")
        })

    static let configMap = Behaviour(
        validate: { object, old in
            Immutability.check(object, old, fields: ["data", "binaryData"]) + DataKeys.check(object["data"], at: "data")
                + DataKeys.check(object["binaryData"], at: "binaryData")
        })

    static let roleBinding = Behaviour(
        complete: { object, _ in
            if object.at("roleRef", "apiGroup")?.string?.isEmpty ?? true {
                object.set(["roleRef", "apiGroup"], to: "rbac.authorization.k8s.io")
            }
            object["subjects"] = object["subjects"]?.array.map { subjects in
                .array(
                    subjects.map { subject in
                        guard subject["apiGroup"] == nil, subject["kind"] != "ServiceAccount" else { return subject }
                        return MergePatch.apply(["apiGroup": "rbac.authorization.k8s.io"], to: subject)
                    })
            }
        },
        validate: { object, old in
            guard let old, old["roleRef"] != object["roleRef"] else { return [] }
            return [.invalid("roleRef", object["roleRef"] ?? .null, "cannot change roleRef")]
        })

    static let networkPolicy = Behaviour(
        complete: { object, _ in
            guard object.at("spec", "policyTypes") == nil else { return }
            let hasEgress = object.at("spec", "egress")?.array?.isEmpty == false
            object.set(["spec", "policyTypes"], to: hasEgress ? ["Ingress", "Egress"] : ["Ingress"])
        })
}

private enum Immutability {
    static func check(_ object: JSON, _ old: JSON?, fields: [String]) -> [FieldError] {
        guard let old, old["immutable"]?.bool == true else { return [] }
        var errors: [FieldError] = []
        if object["immutable"]?.bool != true { errors.append(.forbidden("immutable", "field is immutable when `immutable` is set")) }
        for field in fields where old[field] != object[field] {
            errors.append(.forbidden(field, "field is immutable when `immutable` is set"))
        }
        return errors
    }
}

private enum DataKeys {
    static func check(_ data: JSON?, at field: String) -> [FieldError] {
        (data?.object ?? [:]).keys.sorted().compactMap { key in
            let isFine =
                key.count <= 253 && key != "." && key != ".." && !key.isEmpty
                && key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
            return isFine
                ? nil
                : .invalid(
                    "\(field)[\(key)]", JSON(key),
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
                        + "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')")
        }
    }
}
