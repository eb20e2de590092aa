import FoundationEssentials
import JSONModel
import Testing

@testable import DevAPIServer

@Suite struct TokenTests {
    private let pods = "api/v1/namespaces/default/pods"
    private let reviews = "apis/authentication.k8s.io/v1/tokenreviews"

    private func token(_ api: TestAPI, audiences: JSON = ["egret-control-plane"], pod: JSON? = nil) async throws -> String {
        var spec: JSON = ["audiences": audiences, "expirationSeconds": 600]
        spec["boundObjectRef"] = pod
        let answer = try await api.object(.post, "api/v1/namespaces/default/serviceaccounts/default/token", ["spec": spec])
        #expect(answer.at("status", "expirationTimestamp") != nil)
        return try #require(answer.at("status", "token")?.string)
    }

    private func review(_ api: TestAPI, _ token: String, audiences: JSON = ["egret-control-plane"]) async throws -> JSON {
        try await api.object(.post, self.reviews, ["spec": ["token": JSON(token), "audiences": audiences]])["status"] ?? .null
    }

    @Test("a token bound to a pod tells account, pod and audience")
    func bound() async throws {
        let api = try await TestAPI()
        let pod = try await api.object(
            .post, self.pods, ["metadata": ["name": "p"], "spec": ["containers": [["name": "c", "image": "x"]]]])
        let uid = try #require(pod.meta("uid"))
        let token = try await self.token(api, pod: ["kind": "Pod", "apiVersion": "v1", "name": "p", "uid": JSON(uid)])
        let status = try await self.review(api, token)
        #expect(status["authenticated"] == true && status["audiences"] == ["egret-control-plane"])
        #expect(status.at("user", "username") == "system:serviceaccount:default:default")
        #expect(status.at("user", "extra", "authentication.kubernetes.io/pod-name") == ["p"])
        #expect(status.at("user", "extra", "authentication.kubernetes.io/pod-uid") == [JSON(uid)])
        _ = try await api.object(.delete, "\(self.pods)/p", ["gracePeriodSeconds": 0])
        let after = try await self.review(api, token)
        #expect(after["authenticated"] != true && after["error"]?.string?.contains("has been deleted") == true)
    }

    @Test("another audience does not pass, nor does a garbled token")
    func refused() async throws {
        let api = try await TestAPI()
        let token = try await self.token(api)
        #expect(try await self.review(api, token, audiences: ["other"])["authenticated"] != true)
        #expect(try await self.review(api, token + "x")["authenticated"] != true)
    }

    @Test("a token for the API itself authenticates requests; one for another audience does not")
    func requests() async throws {
        let api = try await TestAPI()
        #expect(await api.call(.get, self.pods, token: try await self.token(api, audiences: [])).code == 200)
        #expect(await api.call(.get, self.pods, token: try await self.token(api)).code == 401)
    }

    @Test("a token ends with its time")
    func expiry() async throws {
        let api = try await TestAPI()
        let token = try await self.token(api)
        let late = TestAPI.start.addingTimeInterval(601)
        await #expect(throws: TokenAuthority.Refusal.self) {
            try await api.service.tokens.authenticate(token, audiences: ["egret-control-plane"], store: api.store, now: late)
        }
    }

    @Test("logs are asked for at the pod's node")
    func logs() async throws {
        let api = try await TestAPI()
        _ = try await api.object(
            .post, "api/v1/nodes",
            [
                "metadata": ["name": "n"],
                "status": [
                    "addresses": [["type": "InternalIP", "address": "127.0.0.1"]], "daemonEndpoints": ["kubeletEndpoint": ["Port": 1234]],
                ],
            ])
        _ = try await api.object(
            .post, self.pods, ["metadata": ["name": "p"], "spec": ["nodeName": "n", "containers": [["name": "c", "image": "x"]]]])
        let reply = await api.reply(.get, "\(self.pods)/p/log?follow=true&tailLines=5")
        guard case .feed(let feed, _) = reply.body else {
            Issue.record("a log is streamed")
            return
        }
        var text = ""
        try await feed { text += String(decoding: $0, as: UTF8.self) }
        #expect(text == "https://127.0.0.1:1234/containerLogs/default/p/c?follow=true&tailLines=5")
    }
}

@Suite struct ProtobufTests {
    @Test("written fields read back")
    func wire() throws {
        var writer = ProtobufWriter()
        writer.string(1, "name")
        writer.int(2, 300)
        writer.bool(3, true)
        writer.double(4, 1.5)
        writer.message(5) { $0.string(1, "inner") }
        var reader = ProtobufReader(writer.bytes[...])
        var fields: [Int] = []
        while let (field, value) = try reader.next() {
            fields.append(field)
            switch (field, value) {
            case (1, .bytes(let bytes)): #expect(String(decoding: bytes, as: UTF8.self) == "name")
            case (2, .varint(let number)): #expect(number == 300)
            case (4, .fixed(let bits)): #expect(Double(bitPattern: bits) == 1.5)
            default: break
            }
        }
        #expect(fields == [1, 2, 3, 4, 5])
    }

    @Test("a secret in protobuf becomes the same object as in JSON; every cut of it is refused or read, never a crash")
    func secret() throws {
        var object = ProtobufWriter()
        object.message(1) { metadata in
            metadata.string(1, "s")
            metadata.message(11) { entry in
                entry.string(1, "owner")
                entry.string(2, "helm")
            }
        }
        object.message(2) { entry in
            entry.string(1, "release")
            entry.string(2, "bytes")
        }
        object.string(3, "helm.sh/release.v1")
        let content = String(decoding: object.bytes, as: UTF8.self)
        var unknown = ProtobufWriter()
        unknown.message(1) { type in
            type.string(1, "v1")
            type.string(2, "Secret")
        }
        unknown.string(2, content)
        let body = Data([0x6B, 0x38, 0x73, 0] + unknown.bytes)
        let codec = KubernetesProtobuf(types: BuiltIns.types)
        let secret = try codec.decode(body, typeName: "Secret")
        #expect(
            secret == [
                "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s", "labels": ["owner": "helm"]],
                "data": ["release": "Ynl0ZXM="], "type": "helm.sh/release.v1",
            ])
        for length in 0..<body.count { _ = try? codec.decode(body.prefix(length), typeName: "Secret") }
    }

    @Test("the OpenAPI documents name each kind and its merge keys")
    func openAPI() throws {
        let types = Registry().builtIn
        let v3 = OpenAPIDocument.v3(types)
        let deployment = v3.at("components", "schemas", "io.k8s.api.Deployment")
        #expect(deployment?["x-kubernetes-group-version-kind"] == [["group": "apps", "version": "v1", "kind": "Deployment"]])
        #expect(deployment?.at("properties", "spec", "$ref") == "#/components/schemas/io.k8s.api.DeploymentSpec")
        let v2 = OpenAPIDocument.v2(types)
        let containers = v2.at("definitions", "io.k8s.api.PodSpec", "properties", "containers")
        #expect(containers?["x-kubernetes-patch-merge-key"] == "name")
        var reader = ProtobufReader(Array(SwaggerProtobuf.encode(v2))[...])
        var fields: [Int] = []
        while let (field, _) = try reader.next() { fields.append(field) }
        #expect(fields == [1, 2, 8, 9])
    }
}
