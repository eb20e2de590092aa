import JSONModel

@testable import DevAPIServer

struct Exchange: CustomStringConvertible {
    let method: APIRequest.Method
    let path: String
    let body: JSON?
    let type: String
    let waitsFor: String?

    init(_ method: APIRequest.Method, _ path: String, _ body: JSON? = nil, type: String = "application/json", waitsFor: String? = nil) {
        self.method = method
        self.path = path
        self.body = body
        self.type = type
        self.waitsFor = waitsFor
    }

    var description: String { "\(self.method.rawValue) /\(self.path) \(self.body?.text ?? "")" }
}

extension Exchange {
    private static let maps = "api/v1/namespaces/n/configmaps"
    private static let deployments = "apis/apps/v1/namespaces/n/deployments"
    private static let widgets = "apis/example.com/v1/namespaces/n/widgets"
    private static let merge = PatchForm.merge.rawValue
    private static let apply = PatchForm.apply.rawValue

    /// One after the other, as each builds on those before it.
    static var all: [Exchange] {
        [Exchange(.post, "api/v1/namespaces", ["metadata": ["name": "n"]])] + self.configMaps + self.workloads + self.others + self.custom
    }

    private static var configMaps: [Exchange] {
        let object = Samples.configMap("a")
        let applied: JSON = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "s"], "data": ["a": "1", "b": "2"]]
        func applying(_ data: JSON) -> JSON { MergePatch.apply(["data": nil], to: applied).with("data", data) }
        return [
            Exchange(.post, self.maps, object),
            Exchange(.post, self.maps, object),
            Exchange(.get, "\(self.maps)/missing"),
            Exchange(.post, self.maps, ["metadata": ["name": "A_b"]]),
            Exchange(.post, self.maps, ["metadata": [:]]),
            Exchange(.post, self.maps, Samples.configMap("k", ["a b": "1"])),
            Exchange(.post, self.maps, Samples.configMap("k", ["a": 1])),
            Exchange(.post, "\(self.maps)?dryRun=All", Samples.configMap("k", ["a": .null, "b": "1"])),
            Exchange(.post, "\(self.maps)?fieldValidation=Strict", Samples.configMap("k").with("oops", 1)),
            Exchange(.post, self.maps, ["metadata": ["name": "k", "namespace": "other"]]),
            Exchange(.patch, "\(self.maps)/a", ["data": ["b": "2", "a": nil]], type: self.merge),
            Exchange(.patch, "\(self.maps)/a", ["data": ["b": "2"]], type: self.merge),
            Exchange(.patch, "\(self.maps)/a", [["op": "test", "path": "/data/b", "value": "3"]], type: PatchForm.json.rawValue),
            Exchange(.put, "\(self.maps)/a", ["metadata": ["name": "a", "resourceVersion": "1"]]),
            Exchange(.put, "\(self.maps)/a", object),
            Exchange(.put, "\(self.maps)/b", object),
            Exchange(.patch, "\(self.maps)/s", applied, type: self.apply),
            Exchange(.patch, "\(self.maps)/s?fieldManager=m1", applied, type: self.apply),
            Exchange(.patch, "\(self.maps)/s?fieldManager=m1", applied, type: self.apply),
            Exchange(.patch, "\(self.maps)/s?fieldManager=m2", applying(["a": "2", "b": "3"]), type: self.apply),
            Exchange(.patch, "\(self.maps)/s?fieldManager=m2", applying(["a": "1", "c": "3"]), type: self.apply),
            Exchange(.patch, "\(self.maps)/s?fieldManager=m1", applying(["b": "2"]), type: self.apply),
            Exchange(.patch, "\(self.maps)/s?fieldManager=edit", ["data": ["b": "9"]], type: self.merge),
            Exchange(.patch, "\(self.maps)/s?fieldManager=m1", applying(["b": "2"]), type: self.apply),
            Exchange(.patch, "\(self.maps)/s?fieldManager=m1&force=true", applying(["b": "2"]), type: self.apply),
            Exchange(.get, "\(self.maps)?fieldSelector=data.x=1"),
            Exchange(.delete, "\(self.maps)/a"),
            Exchange(.delete, "\(self.maps)/a"),
            Exchange(.get, "api/v1/things"),
        ]
    }

    private static var workloads: [Exchange] {
        let object = Samples.deployment("d", replicas: 2)
        func with(_ path: String, _ value: JSON?) -> JSON { object.with(path, value) }
        return [
            Exchange(.post, self.deployments, object),
            Exchange(.post, self.deployments, with("spec.selector", nil)),
            Exchange(.post, self.deployments, with("spec.template.spec.containers", nil)),
            Exchange(.post, self.deployments, with("spec.template.metadata.labels", ["q": "r"])),
            Exchange(.post, self.deployments, with("spec.template.spec.restartPolicy", "Never")),
            Exchange(.post, self.deployments, with("spec.replicas", "x")),
            Exchange(.post, self.deployments, with("metadata.annotations", ["a b": "c"])),
            Exchange(.post, self.deployments, with("metadata.labels", ["a b": "c"])),
            Exchange(.post, self.deployments, with("spec.template.metadata.labels", ["app": "d", "a b": "c"])),
            Exchange(.post, self.deployments, with("spec.template.metadata.labels", ["app": "d", "a": "-c"])),
            Exchange(.post, self.deployments, with("spec.template.metadata.annotations", ["a b": "c"])),
            Exchange(.post, self.deployments, with("spec.template.spec.nodeSelector", ["a": "b c"])),
            Exchange(
                .patch, "\(self.deployments)/d?fieldManager=egret", with("spec.template.spec.affinity", ["oops": 1]), type: self.apply),
            Exchange(.post, self.deployments, with("spec.replicas", -1)),
            Exchange(
                .patch, "\(self.deployments)/d", Self.container(["env": [["name": "B", "value": "2"]]]), type: PatchForm.strategic.rawValue),
            Exchange(
                .patch, "\(self.deployments)/d", Self.container(["env": [["name": "A", "value": "1"]]]), type: PatchForm.strategic.rawValue),
            Exchange(.patch, "\(self.deployments)/d", ["spec": ["selector": ["matchLabels": ["app": "e"]]]], type: self.merge),
            Exchange(.patch, "\(self.deployments)/d/scale", ["spec": ["replicas": 5]], type: self.merge),
            Exchange(.patch, "\(self.deployments)/d?fieldManager=egret", object, type: self.apply),
            Exchange(.patch, "\(self.deployments)/d?fieldManager=egret&force=true", object, type: self.apply),
            Exchange(.patch, "\(self.deployments)/d/status", ["status": ["replicas": 3], "spec": ["replicas": 9]], type: self.merge),
            Exchange(.delete, "\(self.deployments)/d", ["propagationPolicy": "Foreground"]),
        ]
    }

    private static func container(_ more: JSON) -> JSON {
        ["spec": ["template": ["spec": ["containers": [MergePatch.apply(more, to: ["name": "main"])]]]]]
    }

    private static var others: [Exchange] {
        let secrets = "api/v1/namespaces/n/secrets"
        return [
            Exchange(.post, secrets, ["metadata": ["name": "s"], "stringData": ["a": "b"], "type": "Opaque"]),
            Exchange(.post, secrets, ["metadata": ["name": "t"], "data": ["a": "%%"]]),
            Exchange(.patch, "\(secrets)/s", ["type": "x/y"], type: self.merge),
            Exchange(
                .post, "api/v1/namespaces/n/services",
                ["metadata": ["name": "s"], "spec": ["selector": ["a": "b"], "ports": [["port": 80, "targetPort": "http"]]]]),
            Exchange(.post, "api/v1/namespaces/n/services", ["metadata": ["name": "t"], "spec": ["selector": ["a": "b"]]]),
            Exchange(
                .post, "api/v1/namespaces/n/services",
                ["metadata": ["name": "t"], "spec": ["ports": [["name": "a", "port": 80], ["name": "a", "port": 81]]]]),
            Exchange(
                .post, "apis/coordination.k8s.io/v1/namespaces/n/leases",
                ["metadata": ["name": "l"], "spec": ["holderIdentity": "me", "renewTime": "2026-01-01T00:00:00.123456Z"]]),
            Exchange(.post, "api/v1/namespaces/n/serviceaccounts", ["metadata": ["name": "bot"]]),
        ]
    }

    private static var custom: [Exchange] {
        let sizes: [JSON] = [
            [:], ["size": "x"], ["size": 11], ["size": 0], ["size": 1, "colour": "green"], ["size": 1, "name": "A"],
            ["size": 1, "port": true],
            ["size": 1, "tags": ["a": 1]], ["size": 1, "parts": [["name": "a"], ["name": "a"]]], ["size": 1, "parts": [[:]]],
            ["size": 1, "free": 3],
        ]
        func parts(_ parts: JSON) -> JSON { Samples.widget("p", ["size": 1, "parts": parts]) }
        return [
            Self.definition,
            Exchange(.post, self.widgets, Samples.widget("a", ["size": 1, "oops": 1])),
            Exchange(.post, "\(self.widgets)?fieldValidation=Strict", Samples.widget("b", ["size": 1, "oops": 1])),
        ] + sizes.map { Exchange(.post, self.widgets, Samples.widget("v", $0)) } + [
            Exchange(.put, "\(self.widgets)/a", Samples.widget("a", ["size": 2])),
            Exchange(.patch, "\(self.widgets)/a", ["spec": ["size": 3]], type: self.merge),
            Exchange(.patch, "\(self.widgets)/a/status", ["status": ["replicas": 2], "spec": ["size": 9]], type: self.merge),
            Exchange(.get, "\(self.widgets)/a/scale"),
            Exchange(.patch, "\(self.widgets)/a/scale", ["spec": ["replicas": 7]], type: self.merge),
            Exchange(.patch, "\(self.widgets)/p?fieldManager=m", parts([["name": "x"], ["name": "y", "weight": 2]]), type: self.apply),
            Exchange(.patch, "\(self.widgets)/p?fieldManager=m", parts([["name": "z"], ["name": "y", "weight": 3]]), type: self.apply),
            Exchange(.patch, "\(self.widgets)/p?fieldManager=n", parts([["name": "y", "weight": 5]]), type: self.apply),
            Exchange(.patch, "\(self.widgets)/p?fieldManager=m", Samples.widget("p", ["size": 1, "oops": 1]), type: self.apply),
            Exchange(.patch, "\(self.widgets)/p?fieldManager=m", Samples.widget("p", ["size": 100]), type: self.apply),
            Exchange(.delete, "\(self.widgets)/p"),
        ]
    }

    /// The stored status comes a moment later in a real server, so only that it is served is compared.
    private static var definition: Exchange {
        Exchange(
            .post, "apis/apiextensions.k8s.io/v1/customresourcedefinitions?fieldValidation=Ignore", Samples.definition,
            waitsFor: "apis/example.com/v1/namespaces/n/widgets")
    }
}

extension JSON {
    /// A copy with one member changed; the path's names are joined by dots.
    fileprivate func with(_ path: String, _ value: JSON?) -> JSON {
        var copy = self
        copy.set(path.split(separator: ".").map(String.init), to: value)
        return copy
    }
}
