import FoundationEssentials
import JSONModel

extension APIService {
    func answerSubresource(_ name: String, _ call: Call) async throws -> APIReply {
        guard let subresource = ResourceType.Subresource(rawValue: name), call.type.subresources.contains(subresource),
            let object = call.target.name
        else {
            if name == "finalize", call.type.qualifiedName == "namespaces" {
                return try self.present(self.get(call.type, nil, call.target.name ?? ""), call)
            }
            throw APIError.unknownPath
        }
        switch (subresource, call.request.method) {
        case (.status, .get): return try self.present(self.get(call.type, call.target.namespace, object), call)
        case (.status, .put): return try self.update(call, name: object, subresource: "status")
        case (.status, .patch): return try self.patch(call, name: object, subresource: "status")
        case (.scale, .get): return .ok(try self.scale(of: try self.get(call.type, call.target.namespace, object), call.type))
        case (.scale, .put), (.scale, .patch): return try self.changeScale(call, name: object)
        case (.log, .get): return try await self.log(call, pod: object)
        case (.binding, .post): return try self.bind(call, pod: object)
        case (.token, .post): return try await self.requestToken(call, account: object)
        default: throw APIError.methodNotAllowed(call.request.method.rawValue)
        }
    }

    private var scaleType: ResourceType {
        ResourceType(
            group: "autoscaling", version: "v1", kind: "Scale", listKind: "", plural: "scales", singular: "scale", isNamespaced: true,
            schema: self.registry.types["Scale"])
    }

    private func scale(of object: JSON, _ type: ResourceType) throws -> JSON {
        guard let paths = type.scale else { throw APIError.unknownPath }
        var metadata: JSON = [:]
        for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] { metadata[name] = object.at("metadata", name) }
        var status: JSON = ["replicas": object.at(paths.statusReplicas) ?? 0]
        if let selector = paths.selector.flatMap({ object.at($0) }) {
            status["selector"] = selector.string.map { JSON($0) } ?? JSON(SelectorValue.text(selector))
        }
        return [
            "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata,
            "spec": ["replicas": object.at(paths.specReplicas) ?? 0], "status": status,
        ]
    }

    private func changeScale(_ call: Call, name: String) throws -> APIReply {
        guard let paths = call.type.scale else { throw APIError.unknownPath }
        let stored = try self.store.transact(isDry: call.request.isDryRun) { transaction in
            let key = call.key(name)
            guard let present = transaction.object(key) else { throw APIError.notFound(call.type, name) }
            let old = self.versioned(present, call.type)
            let before = try self.scale(of: old, call.type)
            let wanted: JSON
            if call.request.method == .put {
                wanted = try self.decodeBody(call, as: self.scaleType)
            } else {
                guard let form = PatchForm(rawValue: call.request.mediaType) else {
                    throw APIError.unsupportedMediaType(call.request.mediaType, accepted: PatchForm.allCases.map(\.rawValue))
                }
                let patch = try Self.parse(call.request.body, isYAML: form == .apply)
                wanted = try Self.patched(before, with: patch, form: form, schema: self.scaleType.schema)
            }
            guard let replicas = wanted.at("spec", "replicas")?.int, replicas >= 0 else {
                throw APIError.invalid(
                    self.scaleType, name,
                    [.invalid("spec.replicas", wanted.at("spec", "replicas") ?? .null, "must be greater than or equal to 0")])
            }
            var object = old
            object.set(paths.specReplicas, to: JSON(replicas))
            object.setMeta(
                "resourceVersion",
                call.request.method == .put || wanted.meta("resourceVersion") != old.meta("resourceVersion")
                    ? wanted.at("metadata", "resourceVersion") : .none)
            return try self.replace(old, by: object, at: key, call, subresource: "scale", in: &transaction).0
        }
        return .ok(try self.scale(of: self.versioned(stored, call.type), call.type))
    }

    /// The scheduler's verdict.
    private func bind(_ call: Call, pod name: String) throws -> APIReply {
        let binding = try Self.parse(call.request.body, isYAML: false)
        guard let node = binding.at("target", "name")?.string, !node.isEmpty else {
            throw APIError.badRequest("a Binding needs target.name, the node")
        }
        try self.store.transact { transaction in
            let key = call.key(name)
            guard var pod = transaction.object(key) else { throw APIError.notFound(call.type, name) }
            if let present = pod.at("spec", "nodeName")?.string, !present.isEmpty {
                throw APIError.conflict(call.type, name, "pod \(name) is already assigned to node \"\(present)\"")
            }
            pod.set(["spec", "nodeName"], to: JSON(node))
            var conditions = (pod.at("status", "conditions")?.array ?? []).filter { $0["type"] != "PodScheduled" }
            conditions.append(["type": "PodScheduled", "status": "True", "lastTransitionTime": JSON(self.timestamp)])
            pod.set(["status", "conditions"], to: .array(conditions))
            _ = transaction.put(pod, at: key)
        }
        return APIReply(code: 201, body: .json(["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201]))
    }
}
