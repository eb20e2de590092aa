import FoundationEssentials
import JSONModel
import Logging
import Testing

@testable import DevAPIServer

/// An API without a transport, with a clock that stands still.
struct TestAPI {
    static let start = Date(timeIntervalSince1970: 1_800_000_000)

    let service: APIService
    var store: Store { self.service.store }

    init(historyLimit: Int = 1000, now: Date = Self.start) async throws {
        let tokens = await TokenAuthority(caPEM: "CA", adminToken: "admin")
        self.service = APIService(
            store: Store(revision: 1, historyLimit: historyLimit), registry: Registry(), tokens: tokens, kubelets: NoKubelet(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), now: { now })
        try self.service.populate()
    }

    private struct NoKubelet: KubeletReading {
        func open(_ url: String) async throws -> @Sendable (_ emit: (Data) async throws -> Void) async throws -> Void {
            { emit in try await emit(Data(url.utf8)) }
        }
    }

    /// - Parameter path: with its query, not percent-encoded
    func reply(
        _ method: APIRequest.Method, _ path: String, _ body: JSON? = nil, type: String = "application/json",
        accept: String = "application/json", token: String = "admin"
    ) async -> APIReply {
        let parts = path.split(separator: "?", maxSplits: 1)
        var request = APIRequest(method: method, path: parts[0].split(separator: "/").map(String.init))
        for item in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let pair = item.split(separator: "=", maxSplits: 1).map(String.init)
            request.query[pair[0]] = pair.count > 1 ? pair[1] : ""
        }
        request.contentType = type
        request.accept = accept
        request.userAgent = "tester/1.0 (linux)"
        request.authorization = "Bearer \(token)"
        request.body = body?.data ?? Data()
        return await self.service.respond(to: request)
    }

    /// The answer's code and object.
    func call(
        _ method: APIRequest.Method, _ path: String, _ body: JSON? = nil, type: String = "application/json",
        accept: String = "application/json", token: String = "admin"
    ) async -> (code: Int, body: JSON) {
        let reply = await self.reply(method, path, body, type: type, accept: accept, token: token)
        guard case .json(let json) = reply.body else { return (reply.code, .null) }
        return (reply.code, json)
    }

    /// An object that must come back; anything else fails the test.
    func object(
        _ method: APIRequest.Method, _ path: String, _ body: JSON? = nil, type: String = "application/json",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> JSON {
        let (code, json) = await self.call(method, path, body, type: type)
        try #require((200..<300).contains(code), "\(code) \(json.text)", sourceLocation: sourceLocation)
        return json
    }

    func apply(_ path: String, _ body: JSON, manager: String = "egret", force: Bool = false) async -> (code: Int, body: JSON) {
        await self.call(.patch, "\(path)?fieldManager=\(manager)&force=\(force)", body, type: PatchForm.apply.rawValue)
    }

    private struct Enough: Error {}

    /// The first events of a watch.
    func events(_ path: String, count: Int, while work: @Sendable () async throws -> Void = {}) async throws -> [JSON] {
        let reply = await self.reply(.get, path)
        guard case .events(let run) = reply.body else { return [] }
        var events: [JSON] = []
        try await work()
        do {
            try await run { event in
                events.append(event)
                if events.count == count { throw Enough() }
            }
        } catch is Enough {}
        return events
    }
}

enum Samples {
    static func configMap(_ name: String, _ data: JSON = ["a": "1"]) -> JSON {
        ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": JSON(name)], "data": data]
    }

    static func deployment(_ name: String, image: String = "egret-dp:1", replicas: Int? = nil) -> JSON {
        var object: JSON = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": JSON(name)],
            "spec": [
                "selector": ["matchLabels": ["app": JSON(name)]],
                "template": [
                    "metadata": ["labels": ["app": JSON(name)]], "spec": ["containers": [["name": "main", "image": JSON(image)]]],
                ],
            ],
        ]
        if let replicas { object.set(["spec", "replicas"], to: JSON(replicas)) }
        return object
    }

    /// `Widget`: a bit of everything a schema can say.
    static let definition: JSON = [
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": ["name": "widgets.example.com"],
        "spec": [
            "group": "example.com", "scope": "Namespaced",
            "names": ["plural": "widgets", "kind": "Widget", "shortNames": ["wg"]],
            "versions": [
                [
                    "name": "v1", "served": true, "storage": true,
                    "subresources": [
                        "status": [:], "scale": ["specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"],
                    ],
                    "additionalPrinterColumns": [
                        ["name": "Size", "type": "integer", "jsonPath": ".spec.size"],
                        ["name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"],
                    ],
                    "schema": ["openAPIV3Schema": schema],
                ]
            ],
        ],
    ]

    static let schema: JSON = [
        "type": "object",
        "properties": [
            "spec": [
                "type": "object", "required": ["size"],
                "properties": [
                    "size": ["type": "integer", "minimum": 1, "maximum": 10], "replicas": ["type": "integer", "default": 1],
                    "colour": ["type": "string", "enum": ["red", "blue"], "default": "red"],
                    "name": ["type": "string", "maxLength": 5, "pattern": "^[a-z]+$"], "port": ["x-kubernetes-int-or-string": true],
                    "free": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
                    "tags": ["type": "object", "additionalProperties": ["type": "string"]],
                    "parts": [
                        "type": "array", "maxItems": 3, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                        "items": [
                            "type": "object", "required": ["name"],
                            "properties": ["name": ["type": "string"], "weight": ["type": "integer", "default": 1]],
                        ],
                    ],
                ],
            ],
            "status": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
        ],
    ]

    static func widget(_ name: String, _ spec: JSON) -> JSON {
        ["apiVersion": "example.com/v1", "kind": "Widget", "metadata": ["name": JSON(name)], "spec": spec]
    }
}
