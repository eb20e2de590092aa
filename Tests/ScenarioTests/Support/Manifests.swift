/// What users of the scenarios apply.
enum Manifests {
    /// The source document's Mesh, its elided part filled.
    static func mesh(_ name: String = "default", zoneEgress: Bool = true) -> String {
        """
        apiVersion: kuma.io/v1alpha1
        kind: Mesh
        metadata:
          name: \(name)
        spec:
          routing:
            zoneEgress: \(zoneEgress)
          mtls: # mTLS is required to use ZoneEgress
            enabledBackend: ca-1
            backends:
            - name: ca-1
              type: builtin
              dpCert: {rotation: {expiration: 1d}}
              conf: {caCert: {RSAbits: 2048, expiration: 10y}}

        """
    }

    static let meshWithoutMTLS = """
        apiVersion: kuma.io/v1alpha1
        kind: Mesh
        metadata:
          name: open
        spec:
          routing:
            zoneEgress: true

        """

    /// An HTTPS server outside; the egress speaks TLS to it and trusts exactly `ca`.
    static func externalService(_ name: String, mesh: String = "default", service: String, address: String, ca: String) -> String {
        """
        apiVersion: kuma.io/v1alpha1
        kind: ExternalService
        mesh: \(mesh)
        metadata:
          name: \(name)
        spec:
          tags:
            kuma.io/service: \(service)
            kuma.io/protocol: tcp
          networking:
            address: \(address)
            tls:
              enabled: true
              serverName: httpbin.example
              caCert:
                inlineString: |
        \(ca.split(separator: "\n").map { "          \($0)" }.joined(separator: "\n"))

        """
    }

    /// The same in the newer form; its fields are the same in a cluster and without one.
    static func meshExternalSpec(address: String, ca: String) -> String {
        let host = address.prefix { $0 != ":" }, port = address.drop { $0 != ":" }.dropFirst()
        return """
            spec:
              match: {type: HostnameGenerator, port: 443, protocol: http}
              endpoints:
              - {address: \(host), port: \(port)}
              tls:
                enabled: true
                verification:
                  serverName: httpbin.example
                  caCert:
                    inlineString: |
            \(ca.split(separator: "\n").map { "          \($0)" }.joined(separator: "\n"))

            """
    }

    static func meshExternalService(_ name: String, mesh: String = "default", address: String, ca: String) -> String {
        """
        apiVersion: kuma.io/v1alpha1
        kind: MeshExternalService
        metadata:
          name: \(name)
          namespace: \(Cluster.system)
          labels: {kuma.io/mesh: \(mesh)}
        \(self.meshExternalSpec(address: address, ca: ca))
        """
    }

    static func permission(_ name: String, mesh: String = "default", service: String, caller: String) -> String {
        """
        apiVersion: kuma.io/v1alpha1
        kind: MeshTrafficPermission
        metadata:
          name: \(name)
          namespace: \(Cluster.system)
          labels: {kuma.io/mesh: \(mesh)}
        spec:
          targetRef: {kind: MeshService, name: \(service)}
          from:
          - targetRef: {kind: MeshService, name: \(caller)}
            default: {action: Allow}

        """
    }

    static func zoneIngress(_ zone: String, address: String, port: Int, mesh: String = "default", service: String) -> String {
        """
        apiVersion: kuma.io/v1alpha1
        kind: ZoneIngress
        metadata:
          name: \(zone)
          namespace: \(Cluster.system)
        spec:
          zone: \(zone)
          networking:
            address: \(address)
            port: \(port)
            advertisedAddress: \(address)
            advertisedPort: \(port)
          availableServices:
          - mesh: \(mesh)
            instances: 1
            tags: {kuma.io/service: \(service)}

        """
    }

    /// A workload's pod (its proxy), Service and Dataplane. Pods may share one loopback, so outbounds have an address each.
    static func workload(_ name: String, mesh: String = "default", outbounds: [(service: String, address: String, port: Int)]) -> String {
        self.pod(name, mesh: mesh, annotations: [:]) + """
            ---
            apiVersion: kuma.io/v1alpha1
            kind: Dataplane
            mesh: \(mesh)
            metadata: {name: \(name), namespace: demo}
            spec:
              networking:
                inbound:
                - port: 8080
                  tags: {kuma.io/service: \(name)_demo_svc_8080}
                outbound:
            \(outbounds.map { "    - {address: \($0.address), port: \($0.port), tags: {kuma.io/service: \($0.service)}}" }.joined(separator: "\n"))

            """
    }

    /// A workload's pod (its proxy) and the Service that selects it.
    static func pod(_ name: String, mesh: String = "default", annotations: [String: String]) -> String {
        """
        apiVersion: v1
        kind: Service
        metadata: {name: \(name), namespace: demo}
        spec:
          selector: {app: \(name)}
          ports: [{name: http, port: 8080}]
        ---
        apiVersion: v1
        kind: Pod
        metadata:
          name: \(name)
          namespace: demo
          labels: {app: \(name)}
          annotations: {\(annotations.sorted { $0.key < $1.key }.map { "\($0.key): \"\($0.value)\"" }.joined(separator: ", "))}
        spec:
          containers:
          - name: proxy
            image: ghcr.io/egret-mesh/egret-dp:0.1.0
            args: [run, --proxy-type=dataplane, --log-level=debug]
            env:
            - {name: KUMA_CONTROL_PLANE_URL, value: "https://egret-control-plane.\(Cluster.system):5678"}
            - {name: KUMA_CONTROL_PLANE_CA_CERT_FILE, value: /var/run/egret/ca/ca.crt}
            - {name: KUMA_DATAPLANE_RUNTIME_TOKEN_PATH, value: /var/run/egret/token/token}
            - {name: KUMA_DATAPLANE_MESH, value: \(mesh)}
            - {name: KUMA_DATAPLANE_NAME, value: \(name).demo}
            - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
            - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
            ports: [{name: admin, containerPort: 9901}]
            readinessProbe: {httpGet: {path: /ready, port: admin}, periodSeconds: 1}
            volumeMounts:
            - {name: ca, mountPath: /var/run/egret/ca, readOnly: true}
            - {name: token, mountPath: /var/run/egret/token, readOnly: true}
          volumes:
          - {name: ca, configMap: {name: egret-ca}}
          - {name: token, projected: {sources: [{serviceAccountToken: {audience: egret-control-plane, path: token, expirationSeconds: 3600}}]}}

        """
    }
}
