// Every resource Egret reads or writes.
extension ResourceType {
    private static func core(_ plural: String, _ kind: String, isNamespaced: Bool = true) -> Self {
        Self(group: "", version: "v1", plural: plural, kind: kind, isNamespaced: isNamespaced)
    }

    private static func v1(_ group: String, _ plural: String, _ kind: String, isNamespaced: Bool = true) -> Self {
        Self(group: group, version: "v1", plural: plural, kind: kind, isNamespaced: isNamespaced)
    }

    private static func kuma(_ plural: String, _ kind: String, isNamespaced: Bool) -> Self {
        Self(group: "kuma.io", version: "v1alpha1", plural: plural, kind: kind, isNamespaced: isNamespaced)
    }

    package static let pods = core("pods", "Pod")
    package static let secrets = core("secrets", "Secret")
    package static let configMaps = core("configmaps", "ConfigMap")
    package static let services = core("services", "Service")
    package static let serviceAccounts = core("serviceaccounts", "ServiceAccount")
    package static let events = core("events", "Event")
    package static let endpoints = core("endpoints", "Endpoints")
    package static let namespaces = core("namespaces", "Namespace", isNamespaced: false)
    package static let nodes = core("nodes", "Node", isNamespaced: false)

    package static let deployments = v1("apps", "deployments", "Deployment")
    package static let replicaSets = v1("apps", "replicasets", "ReplicaSet")
    package static let endpointSlices = v1("discovery.k8s.io", "endpointslices", "EndpointSlice")
    package static let leases = v1("coordination.k8s.io", "leases", "Lease")
    package static let newEvents = v1("events.k8s.io", "events", "Event")
    package static let podDisruptionBudgets = v1("policy", "poddisruptionbudgets", "PodDisruptionBudget")
    package static let networkPolicies = v1("networking.k8s.io", "networkpolicies", "NetworkPolicy")
    package static let horizontalPodAutoscalers = Self(
        group: "autoscaling", version: "v2", plural: "horizontalpodautoscalers", kind: "HorizontalPodAutoscaler", isNamespaced: true)
    package static let roles = v1("rbac.authorization.k8s.io", "roles", "Role")
    package static let roleBindings = v1("rbac.authorization.k8s.io", "rolebindings", "RoleBinding")
    package static let clusterRoles = v1("rbac.authorization.k8s.io", "clusterroles", "ClusterRole", isNamespaced: false)
    package static let clusterRoleBindings = v1(
        "rbac.authorization.k8s.io", "clusterrolebindings", "ClusterRoleBinding", isNamespaced: false)
    package static let tokenReviews = v1("authentication.k8s.io", "tokenreviews", "TokenReview", isNamespaced: false)
    package static let selfSubjectAccessReviews = v1(
        "authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", isNamespaced: false)
    package static let customResourceDefinitions = v1(
        "apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition", isNamespaced: false)

    package static let meshes = kuma("meshes", "Mesh", isNamespaced: false)
    package static let externalServices = kuma("externalservices", "ExternalService", isNamespaced: false)
    package static let zoneEgresses = kuma("zoneegresses", "ZoneEgress", isNamespaced: true)
    package static let zoneIngresses = kuma("zoneingresses", "ZoneIngress", isNamespaced: true)
    package static let dataplanes = kuma("dataplanes", "Dataplane", isNamespaced: true)
    package static let meshTrafficPermissions = kuma("meshtrafficpermissions", "MeshTrafficPermission", isNamespaced: true)

    package static let trafficPermissions = kuma("trafficpermissions", "TrafficPermission", isNamespaced: false)
    package static let trafficRoutes = kuma("trafficroutes", "TrafficRoute", isNamespaced: false)
    package static let meshExternalServices = kuma("meshexternalservices", "MeshExternalService", isNamespaced: true)
    package static let meshTCPRoutes = kuma("meshtcproutes", "MeshTCPRoute", isNamespaced: true)
    package static let meshHTTPRoutes = kuma("meshhttproutes", "MeshHTTPRoute", isNamespaced: true)
    package static let meshLoadBalancingStrategies = kuma("meshloadbalancingstrategies", "MeshLoadBalancingStrategy", isNamespaced: true)

    package static let kumaTypes = [
        meshes, externalServices, meshExternalServices, zoneEgresses, zoneIngresses, dataplanes, trafficPermissions, meshTrafficPermissions,
        trafficRoutes, meshTCPRoutes, meshHTTPRoutes, meshLoadBalancingStrategies,
    ]

    package static let known: [ResourceType] =
        [
            pods, secrets, configMaps, services, serviceAccounts, events, endpoints, namespaces, nodes, deployments, replicaSets,
            endpointSlices, leases, newEvents, podDisruptionBudgets, networkPolicies, horizontalPodAutoscalers, roles, roleBindings,
            clusterRoles, clusterRoleBindings, tokenReviews, selfSubjectAccessReviews, customResourceDefinitions,
        ] + kumaTypes

    /// The type of an object whose `apiVersion` and `kind` we know.
    package static func known(apiVersion: String, kind: String) -> ResourceType? {
        self.known.first { $0.kind == kind && $0.apiVersion == apiVersion }
    }
}
