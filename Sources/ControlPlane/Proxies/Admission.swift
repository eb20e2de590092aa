import JSONModel
package import KubeAPI
import MeshModel
import Planning

/// What the caches know about a pod that calls itself a proxy.
package struct AdmissionEvidence: Sendable {
    package var systemNamespace: String
    package var pod: KubeObject?
    /// The pod's controller, and that one's controller.
    package var replicaSet: KubeObject?
    package var deployment: KubeObject?
    /// The Deployment's controller, a ZoneEgress or ZoneIngress.
    package var zoneProxy: KubeObject?
    /// The Dataplane of the pod's name and namespace.
    package var dataplane: KubeObject?

    package init(
        systemNamespace: String, pod: KubeObject? = nil, replicaSet: KubeObject? = nil, deployment: KubeObject? = nil,
        zoneProxy: KubeObject? = nil, dataplane: KubeObject? = nil
    ) {
        self.systemNamespace = systemNamespace
        self.pod = pod
        self.replicaSet = replicaSet
        self.deployment = deployment
        self.zoneProxy = zoneProxy
        self.dataplane = dataplane
    }
}

/// Whether a caller is the proxy it claims to be: two decisions on values, first who, then what.
package enum Admission {
    package static let audience = "egret-control-plane"

    /// A proxy's name is its pod's with the namespace: `<pod>.<namespace>`. A pod's name may hold dots, a namespace's not.
    package static func podKey(ofProxy name: String) throws(AccessRefusal) -> ObjectKey {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex, name.index(after: dot) != name.endIndex else {
            throw AccessRefusal(.badRequest, "the proxy name \"\(name)\" is not of the form <pod>.<namespace>")
        }
        return ObjectKey(namespace: String(name[name.index(after: dot)...]), name: String(name[..<dot]))
    }

    /// The token belongs to exactly the pod the proxy is named after. In this order: accepted by Kubernetes, for our
    /// audience, of a service account, bound to a pod; then that pod's namespace, name, uid and service account.
    package static func checkBearer(_ review: TokenReviewAnswer, proxy name: String, pod: KubeObject?) throws(AccessRefusal) {
        guard review.isAuthenticated else {
            let cause = review.error.isEmpty ? "it is not valid or has expired" : review.error
            throw AccessRefusal(.tokenRejected, "Kubernetes does not accept the token: \(cause)")
        }
        guard review.audiences.contains(Self.audience) else {
            throw AccessRefusal(
                .wrongAudience, "the token is not for the audience \(Self.audience); mount a projected token that names this audience")
        }
        guard let account = review.serviceAccount else {
            throw AccessRefusal(.notAServiceAccount, "the token belongs to \(review.username), which is not a service account")
        }
        guard let boundName = review.podName, let boundUID = review.podUID else {
            throw AccessRefusal(.notBoundToPod, "the token is not bound to a pod; mount a projected token instead of a long-lived one")
        }
        let key = try Self.podKey(ofProxy: name)
        guard account.namespace == key.namespace else {
            throw AccessRefusal(
                .wrongNamespace,
                "the token is of namespace \(account.namespace ?? ""), the proxy \(name) of namespace \(key.namespace ?? "")")
        }
        guard boundName == key.name else {
            throw AccessRefusal(.wrongPod, "the token is bound to pod \(boundName), not to the pod of proxy \(name)")
        }
        guard let pod else {
            throw AccessRefusal(.unknownPod, "the control plane has not seen a pod \(key)")
        }
        guard pod.metadata.uid == boundUID else {
            throw AccessRefusal(.unknownPod, "the token is bound to an earlier pod of the name \(key)")
        }
        guard pod.spec["serviceAccountName"]?.string ?? "default" == account.name else {
            throw AccessRefusal(.wrongServiceAccount, "the token's service account \(account.name) is not the one of pod \(key)")
        }
    }

    /// What the pod may be, given that it is who it says.
    package static func checkRole(_ proxy: ProxyClaim, _ evidence: AdmissionEvidence) throws(AccessRefusal) {
        switch proxy.id.kind {
        case .egress: try Self.checkZoneProxy(.egress, .notAnEgress, proxy, evidence)
        case .ingress: try Self.checkZoneProxy(.ingress, .notAnIngress, proxy, evidence)
        case .dataplane: try Self.checkDataplane(proxy, evidence)
        }
    }

    /// Only pods of a Deployment that we rendered for a ZoneEgress or ZoneIngress of the system namespace: uid by uid up the owner
    /// chain. An ingress has no identity, and yet its table says where everything is.
    private static func checkZoneProxy(
        _ role: ZoneProxyRole, _ refusal: AccessRefusal.Reason, _ proxy: ProxyClaim, _ evidence: AdmissionEvidence
    ) throws(AccessRefusal) {
        guard let pod = evidence.pod, pod.namespace == evidence.systemNamespace else {
            throw AccessRefusal(
                .wrongNamespace,
                "an \(role.rawValue) runs in the namespace \(evidence.systemNamespace), the proxy \(proxy.id.name) does not")
        }
        guard let replicaSet = evidence.replicaSet, Self.isChild(pod, of: replicaSet),
            let deployment = evidence.deployment, Self.isChild(replicaSet, of: deployment),
            let owner = evidence.zoneProxy, owner.kind == role.type.kind, Self.isChild(deployment, of: owner),
            deployment.name == ZoneProxyRole.children(of: owner.name), owner.namespace == evidence.systemNamespace
        else {
            throw AccessRefusal(
                refusal, "pod \(pod.key) does not belong to a Deployment that this control plane rendered for a \(role.type.kind)")
        }
    }

    private static func checkDataplane(_ proxy: ProxyClaim, _ evidence: AdmissionEvidence) throws(AccessRefusal) {
        guard let dataplane = evidence.dataplane else {
            let next =
                evidence.pod.map(PodDataplane.isAsked) == true
                ? "none is made of it yet, which takes an address and a Service with a TCP port that selects it"
                : "give it the annotation \(PodDataplane.annotation): \"true\", or create one"
            throw AccessRefusal(.noDataplane, "there is no Dataplane named after the pod of proxy \(proxy.id.name): \(next)")
        }
        let mesh = dataplane["mesh"]?.string ?? dataplane.metadata.labels["kuma.io/mesh"] ?? "default"
        guard proxy.mesh == mesh else {
            throw AccessRefusal(.wrongMesh, "the proxy asks for mesh \"\(proxy.mesh)\"; Dataplane \(dataplane.key) is in mesh \(mesh)")
        }
    }

    private static func isChild(_ child: KubeObject, of owner: KubeObject) -> Bool {
        guard let reference = child.metadata.controller else { return false }
        return reference.kind == owner.kind && reference.uid == owner.metadata.uid && !owner.metadata.uid.isEmpty
    }
}
