import JSONModel
import KubeAPI
import MeshModel

/// The Deployment, Service and ServiceAccount of one managed ZoneEgress or ZoneIngress: its own wishes first, the
/// installation's settings for the rest.
struct ZoneProxyRendering<Proxy: ZoneProxy> {
    let proxy: Proxy
    let owner: OwnerReference
    let namespace: String
    let settings: EgretSettings

    /// After readiness is withdrawn a proxy accepts for this long, until everybody has heard of it.
    private static var graceSeconds: Int { 5 }
    /// What remains after the drain to close what is left.
    private static var closingSeconds: Int { 5 }

    private var name: String { ZoneProxyRole.children(of: self.proxy.name) }
    private var word: String { Proxy.role.rawValue }
    private var wishes: JSON { self.proxy.deployment }
    private var defaults: EgretSettings.ZoneProxy { self.settings[Proxy.role] }

    private func wish(_ path: String...) -> JSON? {
        // Not `$0.isNull ? nil : $0`, in which nil would be the JSON value null.
        guard let wish = self.wishes.at(path), !wish.isNull else { return nil }
        return wish
    }

    private var labels: [String: String] {
        // Ours win: a selector that misses its own pods would make pods without end.
        self.defaults.extraLabels.merging(Proxy.role.labels(self.proxy.name)) { _, ours in ours }
    }

    private var drainTime: Duration {
        self.wish("drainTime")?.string.flatMap(KumaDuration.parse) ?? self.defaults.drainTime
    }

    private func object(_ type: ResourceType, annotations: [String: String] = [:]) -> KubeObject {
        var object = KubeObject(type, name: self.name, namespace: self.namespace, labels: self.labels, annotations: annotations)
        object.metadata.ownerReferences = [self.owner]
        return object
    }

    var serviceAccount: KubeObject {
        var account = self.object(.serviceAccounts)
        // Proxies never speak to the API server; their one token is projected with an audience of its own.
        account["automountServiceAccountToken"] = false
        return account
    }

    var servicePort: Int { self.wish("service", "port")?.int ?? self.defaults.service.port }

    var service: KubeObject {
        let annotations = self.wish("service", "annotations").map(Self.strings) ?? self.defaults.service.annotations
        var service = self.object(.services, annotations: annotations)
        service.spec = [
            "type": self.wish("service", "type") ?? .string(self.defaults.service.type),
            "selector": .object(Proxy.role.selector(self.proxy.name).mapValues(JSON.string)),
            "ports": [["name": .string(self.word), "port": JSON(self.servicePort), "targetPort": .string(self.word), "protocol": "TCP"]],
        ]
        return service
    }

    var deployment: KubeObject {
        var deployment = self.object(.deployments)
        let replicas = self.proxy.replicas ?? self.defaults.replicas
        deployment.spec = [
            "replicas": JSON(replicas),
            "revisionHistoryLimit": 3,
            "selector": ["matchLabels": .object(Proxy.role.selector(self.proxy.name).mapValues(JSON.string))],
            // A new proxy serves before an old one stops.
            "strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": 1, "maxUnavailable": 0]],
            "template": ["metadata": self.podMetadata, "spec": self.podSpec],
        ]
        return deployment
    }

    private var podMetadata: JSON {
        let annotations = self.wish("podAnnotations").map(Self.strings) ?? self.defaults.podAnnotations
        let extra = self.wish("podLabels").map(Self.strings) ?? [:]
        var metadata: JSON = ["labels": .object(extra.merging(self.labels) { _, ours in ours }.mapValues(JSON.string))]
        if !annotations.isEmpty { metadata["annotations"] = .object(annotations.mapValues(JSON.string)) }
        return metadata
    }

    private var podSpec: JSON {
        let nodeSelector = self.wish("nodeSelector").map(Self.strings) ?? self.defaults.nodeSelector
        let drainSeconds = Int((self.drainTime / .seconds(1)).rounded(.up))
        var spec: JSON = [
            "serviceAccountName": .string(self.name),
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": JSON(Self.graceSeconds + drainSeconds + Self.closingSeconds),
            "securityContext": [
                "runAsNonRoot": true, "runAsUser": 5678, "runAsGroup": 5678, "fsGroup": 5678, "seccompProfile": ["type": "RuntimeDefault"],
            ],
            "containers": [self.container],
            "volumes": [
                [
                    "name": "control-plane-ca",
                    "secret": ["secretName": "egret-control-plane-tls", "items": [["key": "ca.crt", "path": "ca.crt"]]],
                ],
                [
                    "name": "control-plane-token",
                    "projected": [
                        "sources": [
                            ["serviceAccountToken": ["audience": "egret-control-plane", "expirationSeconds": 3600, "path": "token"]]
                        ]
                    ],
                ],
                ["name": "tmp", "emptyDir": [:]],
                // Configuration and keys for a restarted container: in memory, gone with the pod.
                ["name": "state", "emptyDir": ["medium": "Memory"]],
            ],
        ]
        if !nodeSelector.isEmpty { spec["nodeSelector"] = .object(nodeSelector.mapValues(JSON.string)) }
        let tolerations = self.wish("tolerations") ?? self.defaults.tolerations
        if tolerations.array?.isEmpty == false { spec["tolerations"] = tolerations }
        let affinity = self.wish("affinity") ?? self.defaults.affinity
        spec["affinity"] = affinity.object?.isEmpty == false ? affinity : Self.spreadOverNodes(self.proxy.name)
        spec["priorityClassName"] = self.wish("priorityClassName")
        return spec
    }

    /// Prefer nodes without another of its pods.
    private static func spreadOverNodes(_ name: String) -> JSON {
        [
            "podAntiAffinity": [
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    [
                        "weight": 100,
                        "podAffinityTerm": [
                            "topologyKey": "kubernetes.io/hostname",
                            "labelSelector": ["matchLabels": .object(Proxy.role.selector(name).mapValues(JSON.string))],
                        ],
                    ]
                ]
            ]
        ]
    }

    private var container: JSON {
        let logLevel = self.wish("logLevel")?.string ?? self.defaults.logLevel
        let probe: JSON = ["httpGet": ["path": "/ready", "port": "admin"]]
        var readiness = probe
        readiness["periodSeconds"] = 1
        readiness["timeoutSeconds"] = 3
        readiness["failureThreshold"] = 3
        var container: JSON = [
            "name": .string(self.word),
            "image": .string(self.settings.dataPlane.image),
            "imagePullPolicy": .string(self.settings.dataPlane.pullPolicy),
            "args": .array(["run", .string("--log-level=\(logLevel)")] + self.adminArguments),
            "env": .array(self.environment),
            "ports": [
                ["name": .string(self.word), "containerPort": JSON(Int(self.proxy.port)), "protocol": "TCP"],
                ["name": "admin", "containerPort": JSON(Int(self.proxy.adminPort)), "protocol": "TCP"],
            ],
            "readinessProbe": readiness,
            // A proxy that waits for its first table or drains is not ready and yet alive: only a process that no
            // longer accepts is restarted.
            "livenessProbe": ["tcpSocket": ["port": "admin"], "initialDelaySeconds": 10, "periodSeconds": 10, "failureThreshold": 6],
            "securityContext": [
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": ["drop": ["ALL"]],
            ],
            "volumeMounts": [
                ["name": "control-plane-ca", "mountPath": "/var/run/secrets/kuma.io/cp-ca", "readOnly": true],
                ["name": "control-plane-token", "mountPath": "/var/run/secrets/kuma.io/cp-token", "readOnly": true],
                ["name": "tmp", "mountPath": "/tmp"],
                ["name": "state", "mountPath": "/var/lib/egret"],
            ],
        ]
        container["resources"] = self.wish("resources") ?? self.defaults.resources
        return container
    }

    /// The proxy's own default needs no flag.
    private var adminArguments: [JSON] {
        self.proxy.adminPort == Proxy.defaultAdminPort ? [] : [.string("--admin-port=\(self.proxy.adminPort)")]
    }

    private var environment: [JSON] {
        func value(_ name: String, _ value: String) -> JSON { ["name": .string(name), "value": .string(value)] }
        func field(_ name: String, _ path: String) -> JSON {
            ["name": .string(name), "valueFrom": ["fieldRef": ["fieldPath": .string(path)]]]
        }
        return [
            field("POD_NAME", "metadata.name"),
            field("POD_NAMESPACE", "metadata.namespace"),
            field("POD_IP", "status.podIP"),
            value("KUMA_CONTROL_PLANE_URL", "https://egret-control-plane.\(self.namespace):5678"),
            value("KUMA_CONTROL_PLANE_CA_CERT_FILE", "/var/run/secrets/kuma.io/cp-ca/ca.crt"),
            value("KUMA_DATAPLANE_RUNTIME_TOKEN_PATH", "/var/run/secrets/kuma.io/cp-token/token"),
            value("KUMA_DATAPLANE_PROXY_TYPE", self.word),
            value("KUMA_DATAPLANE_NAME", "$(POD_NAME).$(POD_NAMESPACE)"),
            value("KUMA_DATAPLANE_DRAIN_TIME", Self.text(self.drainTime)),
            value("EGRET_STATE_DIR", "/var/lib/egret"),
            value("EGRET_SAVE_KEYS", "true"),
        ]
    }

    private static func text(_ duration: Duration) -> String {
        let milliseconds = Int((duration / .milliseconds(1)).rounded())
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }

    private static func strings(_ json: JSON) -> [String: String] { (json.object ?? [:]).compactMapValues(\.string) }
}
