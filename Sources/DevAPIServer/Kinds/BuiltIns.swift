import JSONModel

/// The built-in kinds, one line each: group and version, kind, plural, short names, and what is special.
enum BuiltIns {
    static let types = TypeTable(metaTypes, podTypes, volumeTypes, coreTypes, appsTypes, policyTypes, optionTypes)

    static func resources(_ types: TypeTable) -> [ResourceType] {
        func kind(
            _ group: String, _ version: String, _ kind: String, _ plural: String, _ shortNames: [String] = [], in namespaced: Bool = true,
            type typeName: String? = nil, _ subresources: Set<ResourceType.Subresource> = [], counts: Bool = false,
            categories: [String] = [], _ adjust: (inout ResourceType) -> Void = { _ in }
        ) -> ResourceType {
            var resource = ResourceType(
                group: group, version: version, kind: kind, listKind: "\(kind)List", plural: plural, singular: kind.lowercased(),
                isNamespaced: namespaced, schema: types[typeName ?? kind])
            resource.shortNames = shortNames
            resource.categories = categories
            resource.subresources = subresources
            resource.countsGenerations = counts
            if subresources.contains(.scale) {
                resource.scale = .init(
                    specReplicas: ["spec", "replicas"], statusReplicas: ["status", "replicas"], selector: ["spec", "selector"])
            }
            adjust(&resource)
            resource.columns = BuiltInColumns.of(resource)
            return resource
        }
        let rbac = "rbac.authorization.k8s.io"
        return [
            kind("", "v1", "ConfigMap", "configmaps", ["cm"]) { $0.behaviour = .configMap },
            kind("", "v1", "Endpoints", "endpoints", ["ep"]),
            kind("", "v1", "Event", "events", ["ev"], type: "CoreEvent") {
                $0.selectableFields = [
                    "type", "reason", "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
                    "involvedObject.apiVersion", "involvedObject.fieldPath", "source", "reportingComponent",
                ]
            },
            kind("", "v1", "Namespace", "namespaces", ["ns"], in: false, [.status]) {
                $0.behaviour = .namespace
                $0.selectableFields = ["status.phase"]
            },
            kind("", "v1", "Node", "nodes", ["no"], in: false, [.status]) { $0.selectableFields = ["spec.unschedulable"] },
            kind("", "v1", "Pod", "pods", ["po"], [.status, .log, .binding], counts: true, categories: ["all"]) {
                $0.behaviour = .pod
                $0.returnsDeletedObject = true
                $0.selectableFields = [
                    "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase", "status.podIP",
                ]
            },
            kind("", "v1", "Secret", "secrets") {
                $0.behaviour = .secret
                $0.selectableFields = ["type"]
            },
            kind("", "v1", "Service", "services", ["svc"], [.status], categories: ["all"]) {
                $0.behaviour = .service
                $0.returnsDeletedObject = true
                $0.selectableFields = ["spec.clusterIP", "spec.type"]
            },
            kind("", "v1", "ServiceAccount", "serviceaccounts", ["sa"], [.token]) { $0.returnsDeletedObject = true },
            kind(
                "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", ["crd", "crds"], in: false,
                [.status], counts: true, categories: ["api-extensions"]
            ) {
                $0.behaviour = .customResourceDefinition
            },
            kind("apps", "v1", "Deployment", "deployments", ["deploy"], [.status, .scale], counts: true, categories: ["all"]) {
                $0.behaviour = .deployment
            },
            kind("apps", "v1", "ReplicaSet", "replicasets", ["rs"], [.status, .scale], counts: true, categories: ["all"]) {
                $0.behaviour = .replicaSet
                $0.selectableFields = ["status.replicas"]
            },
            kind("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", in: false) { $0.verbs = ["create"] },
            kind("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", in: false) { $0.verbs = ["create"] },
            kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", ["hpa"], [.status], categories: ["all"]),
            kind("batch", "v1", "Job", "jobs", [], [.status], counts: true, categories: ["all"]) {
                $0.behaviour = .job
                $0.selectableFields = ["status.successful"]
            },
            kind("coordination.k8s.io", "v1", "Lease", "leases"),
            kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", counts: true),
            kind("events.k8s.io", "v1", "Event", "events", ["ev"], type: "EventsEvent") {
                $0.storage = .init(resource: "events", toStored: EventNames.toCore, fromStored: EventNames.fromCore)
            },
            kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", ["netpol"], counts: true) { $0.behaviour = .networkPolicy },
            kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", ["pdb"], [.status], counts: true),
            kind(rbac, "v1", "ClusterRole", "clusterroles", in: false, type: "Role"),
            kind(rbac, "v1", "ClusterRoleBinding", "clusterrolebindings", in: false, type: "RoleBinding") { $0.behaviour = .roleBinding },
            kind(rbac, "v1", "Role", "roles"),
            kind(rbac, "v1", "RoleBinding", "rolebindings") { $0.behaviour = .roleBinding },
        ]
    }
}
