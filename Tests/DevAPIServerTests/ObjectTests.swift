import JSONModel
import Testing

@testable import DevAPIServer

private let maps = "api/v1/namespaces/default/configmaps"
private let deployments = "apis/apps/v1/namespaces/default/deployments"

@Suite struct ObjectTests {
    @Test("a created object has uid, times and a revision; the same name again is a conflict")
    func create() async throws {
        let api = try await TestAPI()
        let created = try await api.object(.post, maps, Samples.configMap("a"))
        #expect(created.meta("uid") != nil)
        #expect(created.meta("creationTimestamp") == "2027-01-15T08:00:00Z")
        let (code, status) = await api.call(.post, maps, Samples.configMap("a"))
        #expect(code == 409)
        #expect(status["message"] == "configmaps \"a\" already exists")
        #expect(status["reason"] == "AlreadyExists")
        #expect(status["details"] == ["name": "a", "kind": "configmaps"])
    }

    @Test("what is not there is not found, in the API's words")
    func missing() async throws {
        let api = try await TestAPI()
        let (code, status) = await api.call(.get, "\(deployments)/x")
        #expect(code == 404)
        #expect(status["message"] == "deployments.apps \"x\" not found")
        #expect(status["details"] == ["name": "x", "group": "apps", "kind": "deployments"])
        #expect(
            await api.call(.post, "api/v1/namespaces/nowhere/configmaps", Samples.configMap("a")).body["message"]
                == "namespaces \"nowhere\" not found")
        #expect(await api.call(.get, "api/v1/things").code == 404)
    }

    @Test("generateName makes a name")
    func generated() async throws {
        let api = try await TestAPI()
        let created = try await api.object(.post, maps, ["metadata": ["generateName": "a-"]])
        #expect(created.meta("name")?.hasPrefix("a-") == true && created.meta("name")?.count == 7)
    }

    @Test("an update from an old revision is refused, one without changes writes nothing")
    func update() async throws {
        let api = try await TestAPI()
        let first = try await api.object(.post, maps, Samples.configMap("a"))
        var changed = first
        changed.set(["data", "b"], to: "2")
        let second = try await api.object(.put, "\(maps)/a", changed)
        #expect(second.meta("resourceVersion") != first.meta("resourceVersion"))
        let (code, status) = await api.call(.put, "\(maps)/a", changed)
        #expect(code == 409)
        #expect(
            status["message"]
                == "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
        )
        let revision = api.store.revision
        #expect(try await api.object(.put, "\(maps)/a", second) == second)
        #expect(try await api.object(.patch, "\(maps)/a", ["data": ["b": "2"]], type: PatchForm.merge.rawValue) == second)
        #expect(api.store.revision == revision)
    }

    @Test("the generation counts changes of the spec, not of metadata or status")
    func generation() async throws {
        let api = try await TestAPI()
        let created = try await api.object(.post, deployments, Samples.deployment("a"))
        #expect(created.generation == 1)
        #expect(created.at("spec", "strategy", "rollingUpdate", "maxSurge") == "25%")
        let labelled = try await api.object(
            .patch, "\(deployments)/a", ["metadata": ["labels": ["x": "y"]]], type: PatchForm.merge.rawValue)
        #expect(labelled.generation == 1)
        let scaled = try await api.object(.patch, "\(deployments)/a", ["spec": ["replicas": 2]], type: PatchForm.merge.rawValue)
        #expect(scaled.generation == 2)
        let status = try await api.object(
            .patch, "\(deployments)/a/status", ["status": ["replicas": 2], "spec": ["replicas": 9]], type: PatchForm.merge.rawValue)
        #expect(status.generation == 2 && status.at("status", "replicas") == 2 && status.at("spec", "replicas") == 2)
        let main = try await api.object(.patch, "\(deployments)/a", ["status": ["replicas": 7]], type: PatchForm.merge.rawValue)
        #expect(main.at("status", "replicas") == 2)
    }

    @Test("scale shows and sets replicas")
    func scale() async throws {
        let api = try await TestAPI()
        _ = try await api.object(.post, deployments, Samples.deployment("a"))
        let scale = try await api.object(.get, "\(deployments)/a/scale")
        #expect(scale.at("spec", "replicas") == 1 && scale.at("status", "selector") == "app=a")
        _ = try await api.object(.patch, "\(deployments)/a/scale", ["spec": ["replicas": 4]], type: PatchForm.merge.rawValue)
        #expect(try await api.object(.get, "\(deployments)/a").at("spec", "replicas") == 4)
    }

    @Test("a selector that misses its own pods is refused with field and cause")
    func selector() async throws {
        let api = try await TestAPI()
        var wrong = Samples.deployment("a")
        wrong.set(["spec", "selector", "matchLabels", "app"], to: "other")
        let (code, status) = await api.call(.post, deployments, wrong)
        #expect(code == 422)
        #expect(
            status["message"]
                == #"Deployment.apps "a" is invalid: spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`"#
        )
        #expect(status.at("details", "causes")?[0]?["field"] == "spec.template.metadata.labels")
    }

    @Test("a finalizer holds a deletion back; taking it away finishes it")
    func finalizers() async throws {
        let api = try await TestAPI()
        var object = Samples.configMap("a")
        object.set(["metadata", "finalizers"], to: ["example.com/hold"])
        _ = try await api.object(.post, maps, object)
        let dying = try await api.object(.delete, "\(maps)/a")
        #expect(dying.isBeingDeleted)
        let revision = api.store.revision
        _ = try await api.object(.delete, "\(maps)/a")
        #expect(api.store.revision == revision)
        _ = try await api.object(.patch, "\(maps)/a", ["metadata": ["finalizers": nil]], type: PatchForm.merge.rawValue)
        #expect(await api.call(.get, "\(maps)/a").code == 404)
    }

    @Test("preconditions of a deletion are kept")
    func preconditions() async throws {
        let api = try await TestAPI()
        _ = try await api.object(.post, maps, Samples.configMap("a"))
        #expect(await api.call(.delete, "\(maps)/a", ["preconditions": ["uid": "other"]]).code == 409)
        #expect(try await api.object(.delete, "\(maps)/a")["status"] == "Success")
    }

    @Test("foreground and orphan deletion leave their finalizer for the garbage collector")
    func propagation() async throws {
        let api = try await TestAPI()
        _ = try await api.object(.post, deployments, Samples.deployment("a"))
        let dying = try await api.object(.delete, "\(deployments)/a", ["propagationPolicy": "Foreground"])
        #expect(dying.metaFinalizers == ["foregroundDeletion"])
    }

    @Test("a pod on a node ends gracefully: the kubelet's deletion without grace removes it")
    func pods() async throws {
        let api = try await TestAPI()
        let pods = "api/v1/namespaces/default/pods"
        let pod: JSON = ["metadata": ["name": "p"], "spec": ["nodeName": "n", "containers": [["name": "c", "image": "x"]]]]
        let created = try await api.object(.post, pods, pod)
        #expect(created.at("status", "phase") == "Pending")
        #expect(created.at("spec", "serviceAccountName") == "default")
        #expect(created.at("spec", "volumes")?[0]?.at("projected", "sources")?.array?.count == 3)
        let dying = try await api.object(.delete, "\(pods)/p")
        #expect(dying.at("metadata", "deletionGracePeriodSeconds") == 30)
        #expect(dying.meta("deletionTimestamp") == "2027-01-15T08:00:30Z")
        _ = try await api.object(.delete, "\(pods)/p", ["gracePeriodSeconds": 0])
        #expect(await api.call(.get, "\(pods)/p").code == 404)
    }

    @Test("deleting a namespace takes what is in it, and waits for what will not go")
    func namespaces() async throws {
        let api = try await TestAPI()
        _ = try await api.object(.post, "api/v1/namespaces", ["metadata": ["name": "n"]])
        #expect(try await api.object(.get, "api/v1/namespaces/n/configmaps/kube-root-ca.crt").at("data", "ca.crt") == "CA")
        #expect(await api.call(.get, "api/v1/namespaces/n/serviceaccounts/default").code == 200)
        var held = Samples.configMap("held")
        held.set(["metadata", "finalizers"], to: ["example.com/hold"])
        _ = try await api.object(.post, "api/v1/namespaces/n/configmaps", held)
        let dying = try await api.object(.delete, "api/v1/namespaces/n")
        #expect(dying.at("status", "phase") == "Terminating")
        #expect(await api.call(.post, "api/v1/namespaces/n/configmaps", Samples.configMap("late")).code == 403)
        _ = try await api.object(
            .patch, "api/v1/namespaces/n/configmaps/held", ["metadata": ["finalizers": nil]], type: PatchForm.merge.rawValue)
        #expect(await api.call(.get, "api/v1/namespaces/n").code == 404)
    }

    @Test("services get addresses of their own")
    func services() async throws {
        let api = try await TestAPI()
        let services = "api/v1/namespaces/default/services"
        let spec: JSON = ["ports": [["port": 80]], "selector": ["app": "a"]]
        let first = try await api.object(.post, services, ["metadata": ["name": "a"], "spec": spec])
        let second = try await api.object(.post, services, ["metadata": ["name": "b"], "spec": spec])
        let address = try #require(first.at("spec", "clusterIP")?.string)
        #expect(address.hasPrefix("127.") && second.at("spec", "clusterIP")?.string != address)
        #expect(first.at("spec", "ports")?[0]?["targetPort"] == 80)
        let patched = try await api.object(.patch, "\(services)/a", ["spec": ["selector": ["app": "z"]]], type: PatchForm.merge.rawValue)
        #expect(patched.at("spec", "clusterIP")?.string == address)
    }

    @Test("a secret's plain text is stored encoded")
    func secrets() async throws {
        let api = try await TestAPI()
        let secret = try await api.object(
            .post, "api/v1/namespaces/default/secrets", ["metadata": ["name": "s"], "stringData": ["k": "v"], "data": ["l": "dw=="]])
        #expect(secret["data"] == ["k": "dg==", "l": "dw=="])
        #expect(secret["stringData"] == nil && secret["type"] == "Opaque")
    }

    @Test("unknown fields warn, or refuse when the client asks for it")
    func strictness() async throws {
        let api = try await TestAPI()
        var object = Samples.configMap("a")
        object["oops"] = 1
        let reply = await api.reply(.post, maps, object)
        #expect(reply.code == 201 && reply.warnings == ["unknown field \"oops\""])
        let (code, status) = await api.call(.post, "\(maps)?fieldValidation=Strict", object)
        #expect(code == 400)
        #expect(
            status["message"]
                == "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"oops\"")
    }

    @Test("a dry run answers as if, and stores nothing")
    func dryRun() async throws {
        let api = try await TestAPI()
        #expect(await api.call(.post, "\(maps)?dryRun=All", Samples.configMap("a")).code == 201)
        #expect(await api.call(.get, "\(maps)/a").code == 404)
    }

    @Test("requests without a good token are refused; health needs none")
    func authentication() async throws {
        let api = try await TestAPI()
        #expect(await api.call(.get, maps, token: "wrong").code == 401)
        #expect(await api.reply(.get, "readyz", token: "").code == 200)
    }

    @Test("requests are counted by verb, resource and code")
    func metrics() async throws {
        let api = try await TestAPI()
        _ = await api.call(.get, maps)
        _ = await api.call(.get, maps)
        #expect(
            api.service.metrics.text.contains(
                #"apiserver_request_total{verb="LIST",resource="configmaps",code="200"} 2"#))
    }
}

@Suite struct ApplyTests {
    @Test("apply creates, repeats without a write, and tells whose a field is")
    func apply() async throws {
        let api = try await TestAPI()
        let path = "\(deployments)/a"
        let (created, object) = await api.apply(path, Samples.deployment("a", replicas: 2))
        #expect(created == 201)
        #expect(object.at("metadata", "managedFields")?[0]?["manager"] == "egret")
        let revision = api.store.revision
        let (again, same) = await api.apply(path, Samples.deployment("a", replicas: 2))
        #expect(again == 200 && same == object && api.store.revision == revision)
        _ = try await api.object(.patch, "\(path)/scale", ["spec": ["replicas": 5]], type: PatchForm.merge.rawValue)
        let (code, status) = await api.apply(path, Samples.deployment("a", replicas: 2))
        #expect(code == 409)
        #expect(
            status["message"]
                == "Apply failed with 1 conflict: conflict with \"tester\" with subresource \"scale\" using apps/v1: .spec.replicas"
        )
        #expect(await api.apply(path, Samples.deployment("a", replicas: 2), force: true).body.at("spec", "replicas") == 2)
        #expect(await api.apply(path, Samples.deployment("a", image: "egret-dp:2", replicas: 2)).body.generation == 4)
    }

    @Test("status is applied on its own, under its own books")
    func status() async throws {
        let api = try await TestAPI()
        _ = await api.apply("\(deployments)/a", Samples.deployment("a"))
        let status: JSON = ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "a"], "status": ["replicas": 1]]
        let applied = await api.apply("\(deployments)/a/status", status)
        #expect(applied.code == 200 && applied.body.at("status", "replicas") == 1)
        #expect(applied.body.at("metadata", "managedFields")?.array?.count == 2)
        let revision = api.store.revision
        _ = await api.apply("\(deployments)/a/status", status)
        #expect(api.store.revision == revision)
    }

    @Test(
        "labels and annotations have names wherever they stand",
        arguments: [
            (["metadata", "annotations"], "metadata.annotations"), (["spec", "template", "metadata", "labels"], "spec.template.labels"),
            (["spec", "template", "metadata", "annotations"], "spec.template.annotations"),
            (["spec", "template", "spec", "nodeSelector"], "spec.template.spec.nodeSelector"),
        ])
    func names(path: [String], field: String) async throws {
        var object = Samples.deployment("a")
        object.set(path + ["a b"], to: "c")
        let (code, status) = await (try TestAPI()).call(.post, deployments, object)
        #expect(code == 422 && status.at("details", "causes")?[0]?["field"]?.string == field)
    }

    @Test("a Service's ports have names of their own")
    func portNames() async throws {
        let ports: JSON = [["name": "a", "port": 80], ["name": "a", "port": 81]]
        let service: JSON = ["metadata": ["name": "s"], "spec": ["ports": ports]]
        let (_, status) = await (try TestAPI()).call(.post, "api/v1/namespaces/default/services", service)
        #expect(status["message"] == "Service \"s\" is invalid: spec.ports[1].name: Duplicate value: \"a\"")
    }

    @Test("apply needs a manager and declared fields")
    func refusals() async throws {
        let api = try await TestAPI()
        #expect(await api.call(.patch, "\(deployments)/a", Samples.deployment("a"), type: PatchForm.apply.rawValue).code == 422)
        var wrong = Samples.deployment("a")
        wrong.set(["spec", "oops"], to: 1)
        #expect(
            await api.apply("\(deployments)/a", wrong).body["message"]
                == "failed to create typed patch object (/a; apps/v1, Kind=Deployment): .spec.oops: field not declared in schema")
    }
}
