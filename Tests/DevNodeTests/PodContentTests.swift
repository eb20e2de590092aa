import JSONModel
import KubeAPI
import Testing

@testable import DevNode

struct PodContentTests {
    private func context(_ change: (inout PodContext) -> Void = { _ in }) -> PodContext {
        let json: JSON = [
            "metadata": [
                "name": "web-1", "namespace": "shop", "uid": "u1", "labels": ["app": "web", "tier": "front"],
                "annotations": ["kuma.io/mesh": "default"],
            ],
            "spec": [
                "containers": [["name": "main", "resources": ["limits": ["memory": "64Mi", "cpu": "250m"]]]], "serviceAccountName": "robot",
            ],
        ]
        var context = PodContext(
            pod: json, spec: PodSpec(json["spec"] ?? [:]), address: "127.10.0.9", nodeName: "n1", nodeAddress: "127.0.0.1",
            capacity: NodeCapacity(cpus: 4, memoryBytes: 1 << 30))
        context.objects = [
            DataObject(kind: .configMap, name: "c"): ["k": Array("v".utf8), "a.conf": [1, 2]],
            DataObject(kind: .secret, name: "s"): ["p": Array("hunter2".utf8)],
        ]
        change(&context)
        return context
    }

    private func environment(_ container: JSON) throws -> [String: String] {
        try ContainerEnvironment(ContainerSpec(container), in: self.context(), base: ["PATH": "/bin"]).values
    }

    @Test(
        "downward fields",
        arguments: [
            ("metadata.name", "web-1"), ("metadata.namespace", "shop"), ("metadata.uid", "u1"), ("status.podIP", "127.10.0.9"),
            ("status.hostIP", "127.0.0.1"), ("spec.nodeName", "n1"), ("spec.serviceAccountName", "robot"),
            ("metadata.labels['tier']", "front"), ("metadata.annotations['kuma.io/mesh']", "default"), ("metadata.labels['no']", ""),
            ("metadata.labels", "app=\"web\"\ntier=\"front\""),
        ])
    func fields(path: String, value: String) {
        #expect(self.context().field(path) == value)
    }

    @Test("a field path that no kubelet knows is refused", arguments: ["", "spec", "metadata.labels[app]", "spec.nodes['x']"])
    func unknownField(path: String) {
        #expect(throws: ContainerProblem.config("fieldPath \"\(path)\" is not supported")) {
            try self.environment(["env": [["name": "A", "valueFrom": ["fieldRef": ["fieldPath": JSON(path)]]]]])
        }
    }

    @Test("references to earlier variables are expanded, unknown ones stay, $$ escapes")
    func expansion() throws {
        let values = try self.environment([
            "env": [
                ["name": "A", "value": "1"], ["name": "B", "value": "$(A)$(A) $(NO) $$(A) $A $( 100%$"], ["name": "C", "value": "$(B)"],
                ["name": "PATH", "value": "/x:$(PATH)"],
            ]
        ])
        #expect(values["B"] == "11 $(NO) $(A) $A $( 100%$")
        #expect(values["C"] == values["B"])
        #expect(values["PATH"] == "/x:/bin")
    }

    @Test("values from objects, with prefixes, and optional ones that are missing")
    func references() throws {
        let values = try self.environment([
            "envFrom": [["prefix": "P_", "configMapRef": ["name": "c"]], ["secretRef": ["name": "none", "optional": true]]],
            "env": [
                ["name": "A", "valueFrom": ["secretKeyRef": ["name": "s", "key": "p"]]],
                ["name": "B", "valueFrom": ["configMapKeyRef": ["name": "c", "key": "none", "optional": true]]],
            ],
        ])
        #expect(values == ["PATH": "/bin", "P_k": "v", "P_a.conf": "\u{1}\u{2}", "A": "hunter2"])
    }

    @Test("a missing object or key is named, its content is not")
    func missing() {
        #expect(throws: ContainerProblem.config("secret \"x\" not found")) {
            try self.environment(["env": [["name": "A", "valueFrom": ["secretKeyRef": ["name": "x", "key": "p"]]]]])
        }
        #expect(throws: ContainerProblem.config("couldn't find key q in Secret shop/s")) {
            try self.environment(["env": [["name": "A", "valueFrom": ["secretKeyRef": ["name": "s", "key": "q"]]]]])
        }
    }

    @Test(
        "resources in units of the divisor, rounded up",
        arguments: [
            ("limits.memory", "1Mi", "64"), ("limits.memory", "1", "67108864"), ("limits.cpu", "1", "1"), ("limits.cpu", "1m", "250"),
            ("requests.cpu", "1", "0"), ("limits.ephemeral-storage", "1", "0"),
        ])
    func resources(resource: String, divisor: String, value: String) throws {
        let spec = self.context().spec.containers[0]
        let field = ResourceField(["resource": JSON(resource), "divisor": JSON(divisor)])
        #expect(try self.context().resource(field, asking: spec) == value)
    }

    @Test("a container without a limit may use all the node has")
    func defaultLimit() throws {
        let field = ResourceField(["resource": "limits.cpu"])
        #expect(try self.context().resource(field, asking: ContainerSpec(["name": "x"])) == "4")
    }

    @Test("a volume's files come from keys, items, fields and tokens")
    func files() throws {
        let volume = VolumeSpec([
            "name": "v",
            "projected": [
                "defaultMode": 288,
                "sources": [
                    ["configMap": ["name": "c"]], ["secret": ["name": "s", "items": [["key": "p", "path": "deep/pass", "mode": 256]]]],
                    ["downwardAPI": ["items": [["path": "ns", "fieldRef": ["fieldPath": "metadata.namespace"]]]]],
                    ["serviceAccountToken": ["audience": "egret", "expirationSeconds": 600, "path": "token"]],
                ],
            ],
        ])
        guard case .projected(let projections, let mode) = volume.source else { throw ContainerProblem.config("kind") }
        let request = VolumeFiles.TokenRequest(audience: "egret", lifetime: .seconds(600))
        #expect(VolumeFiles.tokens(projections) == [request])
        let files = try VolumeFiles.render(projections, mode: mode, in: self.context(), tokens: [request: "jwt"])
        #expect(
            files == [
                "k": VolumeFile(bytes: Array("v".utf8), mode: 0o440), "a.conf": VolumeFile(bytes: [1, 2], mode: 0o440),
                "deep/pass": VolumeFile(bytes: Array("hunter2".utf8), mode: 0o400),
                "ns": VolumeFile(bytes: Array("shop".utf8), mode: 0o440), "token": VolumeFile(bytes: Array("jwt".utf8), mode: 0o440),
            ])
    }

    @Test("a token is renewed at four fifths of its life, and serves on while its renewal fails")
    func token() {
        let token = ProjectedToken(text: "t", issuedAt: at(0), expiresAt: at(600))
        #expect(token.renewAt == at(480))
        #expect(token.postponed(now: at(490))?.renewAt == at(495))
        #expect(token.postponed(now: at(490))?.text == "t")
        #expect(token.postponed(now: at(600)) == nil)
    }

    @Test("a missing object fails its volume unless it is optional")
    func missingObject() throws {
        func render(_ volume: JSON) throws -> [String: VolumeFile] {
            guard case .projected(let projections, let mode) = VolumeSpec(volume).source else { return [:] }
            return try VolumeFiles.render(projections, mode: mode, in: self.context(), tokens: [:])
        }
        #expect(throws: ContainerProblem.self) { try render(["name": "v", "secret": ["secretName": "no"]]) }
        #expect(throws: ContainerProblem.self) {
            try render(["name": "v", "configMap": ["name": "c", "items": [["key": "no", "path": "x"]]]])
        }
        #expect(try render(["name": "v", "secret": ["secretName": "no", "optional": true]]).isEmpty)
    }

    @Test("no file leaves its volume", arguments: ["../x", "/etc/passwd", "a/../../x", "..data", "a//b", ""])
    func escapes(path: String) {
        let items = [VolumeSpec.KeyPath(key: "k", path: path, mode: nil)]
        let projection = VolumeSpec.Projection.object(DataObject(kind: .configMap, name: "c"), items: items, optional: false)
        #expect(throws: ContainerProblem.self) { try VolumeFiles.render([projection], mode: 0, in: self.context(), tokens: [:]) }
    }

    @Test("the service account is mounted where nothing is mounted yet")
    func serviceAccount() {
        let spec = PodSpec([
            "containers": [["name": "a"], ["name": "b", "volumeMounts": [["name": "t", "mountPath": JSON(PodSpec.serviceAccountPath)]]]]
        ])
        let mounted = spec.mountingServiceAccount(automountByAccount: true)
        #expect(mounted.containers.map(\.mounts.count) == [1, 1])
        #expect(mounted.volumes.map(\.name) == ["egret-api-access"])
        #expect(spec.mountingServiceAccount(automountByAccount: false) == spec)
        #expect(
            PodSpec(["automountServiceAccountToken": false, "containers": [["name": "a"]]]).mountingServiceAccount(automountByAccount: true)
                .volumes.isEmpty)
    }

    @Test("an image is known by its last path component, whatever its registry, tag and digest")
    func images() throws {
        let images = ImageMap(programs: ["egret-dp": "/b/egret-dp"])
        for image in ["egret-dp", "egret-dp:0.1.0", "ghcr.io/egret-mesh/egret-dp:0.1.0", "localhost:5000/egret-dp@sha256:abc"] {
            #expect(try images.program(for: image) == "/b/egret-dp")
        }
        let problem = #expect(throws: ContainerProblem.self) { try images.program(for: "docker.io/nginx:1") }
        #expect(problem?.reason == "ErrImagePull")
        #expect(problem?.message.contains("--image nginx=/path/to/program") == true)
    }

    @Test("hosts name every Service, and those of the own namespace by short name")
    func hosts() {
        let services = [
            HostsFile.Service(name: "b", namespace: "other", addresses: ["127.96.0.2"]),
            HostsFile.Service(name: "a", namespace: "shop", addresses: ["127.10.0.1", "127.10.0.2"]),
        ]
        #expect(
            HostsFile.text(services: services, for: "shop").split(separator: "\n").suffix(3) == [
                "127.96.0.2\tb.other.svc.cluster.local b.other.svc b.other",
                "127.10.0.1\ta.shop.svc.cluster.local a.shop.svc a.shop a", "127.10.0.2\ta.shop.svc.cluster.local a.shop.svc a.shop a",
            ])
        #expect(HostsFile.podLines(name: "web-1", address: "127.10.0.9", aliases: []) == "127.10.0.9\tweb-1\n")
    }

    @Test("quantities", arguments: [("1", 1000), ("250m", 250), ("1.5", 1500), ("64Mi", 67_108_864_000), ("2k", 2_000_000), ("0", 0)])
    func quantities(text: String, thousandths: Int) {
        #expect(Quantity(text)?.thousandths == thousandths)
    }

    @Test("what is no quantity", arguments: ["", "m", "Mi", "x", "-1", "1e400", "nan"])
    func noQuantity(text: String) { #expect(Quantity(text) == nil) }

    @Test(
        "the last lines of a log",
        arguments: [("a\nb\nc\n", 2, "b\nc\n"), ("a\nb\nc", 2, "b\nc"), ("a\n", 5, "a\n"), ("a\n", 0, ""), ("", 1, ""), ("\n\n", 1, "\n")])
    func tail(text: String, lines: Int, expected: String) {
        let bytes = Array(text.utf8)
        #expect(String(decoding: bytes[LogRequest.tailStart(bytes, lines: lines)...], as: UTF8.self) == expected)
    }
}
