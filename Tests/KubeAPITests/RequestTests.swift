import JSONModel
import KubeAPI
import Testing

@Suite("Requests are values")
struct RequestTests {
    private func line(_ request: KubeRequest) -> String { "\(request.method.rawValue) \(request.target)" }

    @Test("Reads name the object, the subresource or the collection")
    func reads() {
        #expect(line(.get(.pods, "web-1", namespace: "shop")) == "GET /api/v1/namespaces/shop/pods/web-1")
        #expect(line(.get(.meshes, "default")) == "GET /apis/kuma.io/v1alpha1/meshes/default")
        #expect(line(.get(.pods, "web", namespace: "a", subresource: "log")) == "GET /api/v1/namespaces/a/pods/web/log")
        #expect(line(.list(.pods)) == "GET /api/v1/pods")
        #expect(line(.list(.deployments, namespace: "a", limit: 500)) == "GET /apis/apps/v1/namespaces/a/deployments?limit=500")
        #expect(
            line(.list(.pods, selector: .init(labels: "app=web,tier in (a,b)", fields: "metadata.name=x"), limit: 2, continue: "t/k="))
                == "GET /api/v1/pods?labelSelector=app%3Dweb,tier%20in%20(a,b)&fieldSelector=metadata.name%3Dx&limit=2&continue=t/k%3D")
    }

    @Test("A page after the first does not repeat the resource version, which the server would refuse")
    func continuedPage() {
        #expect(line(.list(.pods, continue: "t", resourceVersion: "5")) == "GET /api/v1/pods?continue=t")
        #expect(line(.list(.pods, resourceVersion: "0")) == "GET /api/v1/pods?resourceVersion=0")
    }

    @Test("A watch says from where, for how long, and that it wants bookmarks")
    func watch() {
        #expect(
            line(.watch(.zoneEgresses, namespace: "kuma-system", resourceVersion: "42"))
                == "GET /apis/kuma.io/v1alpha1/namespaces/kuma-system/zoneegresses?watch=true&resourceVersion=42&timeoutSeconds=290&allowWatchBookmarks=true"
        )
        #expect(
            line(.watch(.configMaps, selector: .named("egret-config"), resourceVersion: "1", timeout: .seconds(5), bookmarks: false))
                == "GET /api/v1/configmaps?watch=true&fieldSelector=metadata.name%3Degret-config&resourceVersion=1&timeoutSeconds=5")
    }

    @Test("Names cannot leave their path segment")
    func encoding() {
        #expect(line(.get(.secrets, "../../nodes?x", namespace: "a b")) == "GET /api/v1/namespaces/a%20b/secrets/..%2F..%2Fnodes%3Fx")
    }

    @Test("Writes carry the object, who manages its fields, and the right content type")
    func writes() {
        var object = KubeObject(.configMaps, name: "c", namespace: "n")
        object["data"] = ["a": "b"]
        let create = KubeRequest.create(.configMaps, object, fieldManager: "egret")
        #expect(line(create) == "POST /api/v1/namespaces/n/configmaps?fieldManager=egret")
        #expect(create.contentType == "application/json")
        #expect(create.body == object.json)
        #expect(line(.replace(.configMaps, object)) == "PUT /api/v1/namespaces/n/configmaps/c")

        let apply = KubeRequest.apply(.configMaps, object, fieldManager: "egret")
        #expect(line(apply) == "PATCH /api/v1/namespaces/n/configmaps/c?fieldManager=egret&force=true")
        #expect(apply.contentType == "application/apply-patch+yaml")
        let status = KubeRequest.apply(.meshes, KubeObject(.meshes, name: "m"), subresource: "status", fieldManager: "egret", force: false)
        #expect(line(status) == "PATCH /apis/kuma.io/v1alpha1/meshes/m/status?fieldManager=egret&force=false")

        let patch = KubeRequest.patch(.merge, .pods, "p", namespace: "n", body: ["metadata": ["labels": ["a": nil]]])
        #expect(line(patch) == "PATCH /api/v1/namespaces/n/pods/p")
        #expect(patch.contentType == "application/merge-patch+json")
        #expect(patch.body?.text == #"{"metadata":{"labels":{"a":null}}}"#)

        let scale = KubeRequest.scale(.zoneEgresses, "egress", namespace: "kuma-system", replicas: 0)
        #expect(line(scale) == "PATCH /apis/kuma.io/v1alpha1/namespaces/kuma-system/zoneegresses/egress/scale")
        #expect(scale.body?.text == #"{"spec":{"replicas":0}}"#)
    }

    @Test("A delete says what becomes of the children and what it expects to find")
    func deletes() {
        let delete = KubeRequest.delete(.pods, "p", namespace: "n", preconditions: .init(uid: "u"), gracePeriodSeconds: 0)
        #expect(line(delete) == "DELETE /api/v1/namespaces/n/pods/p")
        #expect(
            delete.body?.text
                == #"{"apiVersion":"v1","gracePeriodSeconds":0,"kind":"DeleteOptions","preconditions":{"uid":"u"},"propagationPolicy":"Background"}"#
        )
    }

    @Test("Only requests that do the same twice are repeated: not creates, not plain patches")
    func idempotence() {
        let object = KubeObject(.pods, name: "p", namespace: "n")
        #expect(KubeRequest.get(.pods, "p").isIdempotent)
        #expect(KubeRequest.replace(.pods, object).isIdempotent)
        #expect(KubeRequest.delete(.pods, "p").isIdempotent)
        #expect(KubeRequest.apply(.pods, object, fieldManager: "egret").isIdempotent)
        #expect(!KubeRequest.create(.pods, object).isIdempotent)
        #expect(!KubeRequest.patch(.json, .pods, "p", body: []).isIdempotent)
    }

    @Test("Tokens are requested bound to a pod and reviewed for an audience")
    func tokens() {
        var pod = KubeObject(.pods, name: "p", namespace: "n")
        pod.metadata.uid = "u-1"
        let request = KubeRequest.tokenRequest(
            serviceAccount: "sa", namespace: "n", audiences: ["egret-control-plane"], expirationSeconds: 3600, boundTo: pod)
        #expect(line(request) == "POST /api/v1/namespaces/n/serviceaccounts/sa/token")
        #expect(
            request.body?["spec"]
                == [
                    "audiences": ["egret-control-plane"], "expirationSeconds": 3600,
                    "boundObjectRef": ["apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u-1"],
                ])
        let review = KubeRequest.tokenReview(token: "t", audiences: ["a"])
        #expect(line(review) == "POST /apis/authentication.k8s.io/v1/tokenreviews")
        #expect(review.body?["spec"] == ["token": "t", "audiences": ["a"]])
    }

    @Test("A token review's answer names the service account and the pod it is bound to")
    func reviewAnswer() {
        let answer = TokenReviewAnswer(
            KubeObject([
                "status": [
                    "authenticated": true, "audiences": ["egret-control-plane"],
                    "user": [
                        "username": "system:serviceaccount:kuma-system:egret-egress", "uid": "u", "groups": ["system:serviceaccounts"],
                        "extra": [
                            "authentication.kubernetes.io/pod-name": ["egret-egress-1"], "authentication.kubernetes.io/pod-uid": ["p-1"],
                        ],
                    ],
                ]
            ]))
        #expect(answer.isAuthenticated)
        #expect(answer.serviceAccount == ObjectKey(namespace: "kuma-system", name: "egret-egress"))
        #expect(answer.podName == "egret-egress-1")
        #expect(answer.podUID == "p-1")
        #expect(!TokenReviewAnswer(KubeObject([:])).isAuthenticated)
        #expect(TokenReviewAnswer(KubeObject(["status": ["user": ["username": "alice"]]])).serviceAccount == nil)
    }
}
