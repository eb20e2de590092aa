import ConfigSync
import ControlPlane
import JSONModel
import KubeAPI
import Planning
import Testing

/// Who may be a proxy, as a table: each row breaks one thing in an otherwise good request.
struct AdmissionTests {
    // MARK: The bearer

    @Test("A token for our audience, bound to exactly the pod the proxy is named after, is accepted")
    func goodBearer() throws {
        try Admission.checkBearer(Self.review(), proxy: "egret-egress-1.kuma-system", pod: Self.pod())
    }

    struct BearerCase: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var review: TokenReviewAnswer = AdmissionTests.review()
        var proxy = "egret-egress-1.kuma-system"
        var pod: KubeObject? = AdmissionTests.pod()
        var reason: AccessRefusal.Reason
        var message: String
    }

    static let bearers: [BearerCase] = [
        .init(
            testDescription: "an unknown token", review: review { $0.set(["status", "authenticated"], to: false) }, reason: .tokenRejected,
            message: "Kubernetes does not accept the token: it is not valid or has expired"),
        .init(
            testDescription: "an expired token", review: review { $0["status"] = ["error": "token has expired"] }, reason: .tokenRejected,
            message: "Kubernetes does not accept the token: token has expired"),
        .init(
            testDescription: "the API server's own audience",
            review: review { $0.set(["status", "audiences"], to: ["https://kubernetes"]) },
            reason: .wrongAudience,
            message: "the token is not for the audience egret-control-plane; mount a projected token that names this audience"),
        .init(
            testDescription: "no audience in the answer", review: review { $0.set(["status", "audiences"], to: nil) },
            reason: .wrongAudience,
            message: "the token is not for the audience egret-control-plane; mount a projected token that names this audience"),
        .init(
            testDescription: "a person", review: review { $0.set(["status", "user", "username"], to: "alice") },
            reason: .notAServiceAccount,
            message: "the token belongs to alice, which is not a service account"),
        .init(
            testDescription: "a long-lived service account token", review: review { $0.set(["status", "user", "extra"], to: nil) },
            reason: .notBoundToPod, message: "the token is not bound to a pod; mount a projected token instead of a long-lived one"),
        .init(
            testDescription: "a service account of another namespace",
            review: review { $0.set(["status", "user", "username"], to: "system:serviceaccount:other:egret-egress") },
            reason: .wrongNamespace,
            message: "the token is of namespace other, the proxy egret-egress-1.kuma-system of namespace kuma-system"),
        .init(
            testDescription: "another pod's token", proxy: "egret-egress-2.kuma-system", reason: .wrongPod,
            message: "the token is bound to pod egret-egress-1, not to the pod of proxy egret-egress-2.kuma-system"),
        .init(
            testDescription: "a pod nobody has seen", pod: nil, reason: .unknownPod,
            message: "the control plane has not seen a pod kuma-system/egret-egress-1"),
        .init(
            testDescription: "a token of the pod's predecessor", pod: pod { $0.metadata.uid = "younger" }, reason: .unknownPod,
            message: "the token is bound to an earlier pod of the name kuma-system/egret-egress-1"),
        .init(
            testDescription: "another service account than the pod's",
            pod: pod { $0.spec = ["serviceAccountName": "somebody"] }, reason: .wrongServiceAccount,
            message: "the token's service account egret-egress is not the one of pod kuma-system/egret-egress-1"),
        .init(
            testDescription: "a name without a namespace", proxy: "egret-egress-1", reason: .badRequest,
            message: "the proxy name \"egret-egress-1\" is not of the form <pod>.<namespace>"),
    ]

    @Test("Each thing that can be wrong with a token has its own refusal", arguments: bearers)
    func refusedBearer(row: BearerCase) {
        let refusal = #expect(throws: AccessRefusal.self) {
            try Admission.checkBearer(row.review, proxy: row.proxy, pod: row.pod)
        }
        #expect(refusal?.reason == row.reason)
        #expect(refusal?.message == row.message)
    }

    @Test("A pod's name may hold dots", arguments: [("a.b.ns", "ns", "a.b"), ("a.ns", "ns", "a")])
    func podKeys(name: String, namespace: String, pod: String) throws {
        #expect(try Admission.podKey(ofProxy: name) == ObjectKey(namespace: namespace, name: pod))
    }

    @Test("What is no proxy name is refused", arguments: ["", ".", "a.", ".ns", "a"])
    func noPodKey(name: String) {
        #expect(throws: AccessRefusal.self) { _ = try Admission.podKey(ofProxy: name) }
    }

    // MARK: The role

    private static let egress = ProxyClaim(ProxyID(.egress, "egret-egress-1.kuma-system"))

    private static func evidence(_ change: (inout AdmissionEvidence) -> Void = { _ in }) -> AdmissionEvidence {
        let zoneEgress = object(.zoneEgresses, "egress", uid: "ze")
        let deployment = object(.deployments, "egret-egress", uid: "d", owner: zoneEgress)
        let replicaSet = object(.replicaSets, "egret-egress-abc", uid: "rs", owner: deployment)
        var evidence = AdmissionEvidence(
            systemNamespace: "kuma-system", pod: object(.pods, "egret-egress-1", uid: "p", owner: replicaSet), replicaSet: replicaSet,
            deployment: deployment, zoneProxy: zoneEgress)
        change(&evidence)
        return evidence
    }

    @Test("A pod of a Deployment rendered for a ZoneEgress is an egress")
    func goodEgress() throws {
        try Admission.checkRole(Self.egress, Self.evidence())
    }

    @Test("Whoever is not in a rendered Deployment is no egress, whatever link of the chain is missing")
    func notAnEgress() {
        let broken: [AdmissionEvidence] = [
            Self.evidence { $0.replicaSet = nil },
            Self.evidence { $0.deployment = nil },
            Self.evidence { $0.zoneProxy = nil },
            Self.evidence { $0.pod?.metadata.ownerReferences = [] },
            Self.evidence { $0.replicaSet?.metadata.uid = "another" },
            Self.evidence { $0.deployment?.metadata.uid = "another" },
            Self.evidence { $0.zoneProxy?.metadata.uid = "another" },
            Self.evidence { $0.deployment?.metadata.name = "mine" },
            Self.evidence {
                var references = $0.deployment?.metadata.ownerReferences ?? []
                references[0].isController = false
                $0.deployment?.metadata.ownerReferences = references
            },
        ]
        for evidence in broken {
            #expect(throws: AccessRefusal(.notAnEgress, "")) { try Admission.checkRole(Self.egress, evidence) }
        }
    }

    @Test("An egress outside of the system namespace is refused")
    func egressElsewhere() {
        #expect(throws: AccessRefusal(.wrongNamespace, "")) {
            try Admission.checkRole(Self.egress, Self.evidence { $0.systemNamespace = "other" })
        }
    }

    @Test("A dataplane needs a Dataplane of its pod's name, in the mesh it asks for")
    func dataplanes() throws {
        let claim = ProxyClaim(type: .dataplane, name: "web-1.shop", mesh: "", home: .kubernetes)
        #expect(claim.mesh == "default")
        var evidence = AdmissionEvidence(systemNamespace: "kuma-system", pod: Self.object(.pods, "web-1", uid: "p"))
        #expect(throws: AccessRefusal(.noDataplane, "")) { try Admission.checkRole(claim, evidence) }
        evidence.dataplane = Self.object(.dataplanes, "web-1", uid: "dp")
        try Admission.checkRole(claim, evidence)
        evidence.dataplane?["mesh"] = "other"
        #expect(throws: AccessRefusal(.wrongMesh, "")) { try Admission.checkRole(claim, evidence) }
        evidence.dataplane?["mesh"] = nil
        evidence.dataplane?.metadata.labels = ["kuma.io/mesh": "other"]
        #expect(throws: AccessRefusal(.wrongMesh, "")) { try Admission.checkRole(claim, evidence) }
        try Admission.checkRole(ProxyClaim(type: .dataplane, name: "web-1.shop", mesh: "other", home: .kubernetes), evidence)
    }

    @Test("An ingress is a pod of a ZoneIngress, an egress is none, nor the other way round")
    func ingress() throws {
        let zoneIngress = Self.object(.zoneIngresses, "ingress", uid: "zi")
        let deployment = Self.object(.deployments, "egret-ingress", uid: "d", owner: zoneIngress)
        let replicaSet = Self.object(.replicaSets, "egret-ingress-abc", uid: "rs", owner: deployment)
        let pod = Self.object(.pods, "egret-ingress-1", uid: "p", owner: replicaSet)
        let evidence = AdmissionEvidence(
            systemNamespace: "kuma-system", pod: pod, replicaSet: replicaSet, deployment: deployment, zoneProxy: zoneIngress)
        let claim = ProxyClaim(type: .ingress, name: "egret-ingress-1.kuma-system", mesh: "", home: .kubernetes)
        try Admission.checkRole(claim, evidence)
        #expect(throws: AccessRefusal(.notAnIngress, "")) { try Admission.checkRole(claim, Self.evidence()) }
        #expect(throws: AccessRefusal(.notAnEgress, "")) { try Admission.checkRole(Self.egress, evidence) }
    }

    @Test("Unknown callers get 401, known ones that may not 403, and ours to mend 503")
    func statuses() {
        for reason in AccessRefusal.Reason.allCases {
            let refusal = AccessRefusal(reason, "sentence")
            #expect([400, 401, 403, 409, 503].contains(refusal.status))
            #expect(refusal.problem.status == refusal.status && refusal.problem.detail == "sentence")
        }
    }

    // MARK: Builders

    static func review(_ change: (inout JSON) -> Void = { _ in }) -> TokenReviewAnswer {
        var review: JSON = [
            "status": [
                "authenticated": true, "audiences": ["egret-control-plane"],
                "user": [
                    "username": "system:serviceaccount:kuma-system:egret-egress",
                    "extra": [
                        "authentication.kubernetes.io/pod-name": ["egret-egress-1"], "authentication.kubernetes.io/pod-uid": ["p"],
                    ],
                ],
            ]
        ]
        change(&review)
        return TokenReviewAnswer(KubeObject(review))
    }

    static func pod(_ change: (inout KubeObject) -> Void = { _ in }) -> KubeObject {
        var pod = self.object(.pods, "egret-egress-1", uid: "p")
        pod.spec = ["serviceAccountName": "egret-egress"]
        change(&pod)
        return pod
    }

    static func object(_ type: ResourceType, _ name: String, uid: String, owner: KubeObject? = nil) -> KubeObject {
        var object = KubeObject(type, name: name, namespace: "kuma-system")
        object.metadata.uid = uid
        if let owner { object.metadata.ownerReferences = [OwnerReference(controller: owner)] }
        return object
    }
}
