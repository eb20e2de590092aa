import JSONModel
import MeshModel
import Testing
import YAMLDocument

@Suite("Manifests")
struct ManifestTests {
    private func problems(_ manifest: String) throws -> [String] {
        let object = try YAMLDocument.parseOne(manifest)
        return try #require(try Definition.all().first { $0.kind == object["kind"]?.string }).problems(of: object)
    }

    @Test("The source document's manifests apply unchanged, and so does every field of 2.7", arguments: Manifests.good)
    func good(manifest: String) throws {
        let problems = try self.problems(manifest)
        #expect(problems == [])
    }

    @Test("A mesh with zoneEgress and no mTLS is refused")
    func refusedMesh() throws {
        let manifest = "{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: default}, spec: {routing: {zoneEgress: true}}}"
        #expect(try self.problems(manifest) == ["mtls: has to be set when zoneEgress enabled"])
    }

}

private enum Manifests {
    static let good = [
        """
        apiVersion: kuma.io/v1alpha1
        kind: Mesh
        metadata:
          name: default
        spec:
          routing:
            zoneEgress: true
          mtls: # mTLS is required to use ZoneEgress
            enabledBackend: ca-1
            backends:
            - name: ca-1
              type: builtin
              dpCert: {rotation: {expiration: 1d}}
              conf: {caCert: {RSAbits: 2048, expiration: 10y}}
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: Mesh
        metadata: {name: everything}
        spec:
          mtls:
            enabledBackend: ca-1
            skipValidation: false
            backends:
            - name: ca-1
              type: provided
              mode: PERMISSIVE
              dpCert: {rotation: {expiration: 1d}, requestTimeout: 10s}
              rootChain: {requestTimeout: 10s}
              conf: {cert: {secret: ca-cert}, key: {inlineString: text}}
          routing: {zoneEgress: true, localityAwareLoadBalancing: true}
          networking: {outbound: {passthrough: false}}
          constraints: {dataplaneProxy: {requirements: [{tags: {kuma.io/zone: east}}], restrictions: [{tags: {legacy: "*"}}]}}
          tracing:
            defaultBackend: z
            backends:
            - {name: z, type: zipkin, sampling: 99.9, conf: {url: "http://z:9411", traceId128bit: true, apiVersion: httpJson}}
          logging:
            defaultBackend: f
            backends:
            - {name: f, type: file, format: "%START_TIME%", conf: {path: /tmp/log}}
            - {name: t, type: tcp, conf: {address: "127.0.0.1:5000"}}
          metrics:
            enabledBackend: p
            backends:
            - name: p
              type: prometheus
              conf:
                port: 5670
                path: /metrics
                skipMTLS: true
                tags: {kuma.io/service: dp-metrics}
                envoy: {usedOnly: true}
                aggregate: [{name: app, port: 80, path: /m}]
          skipCreatingInitialPolicies: ['*']
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: ZoneEgress
        metadata: {name: zoneegress-1, namespace: kuma-system}
        spec: {zone: zone-1, networking: {address: 192.168.0.1, port: 10002, admin: {port: 9901}}}
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: ZoneEgress
        metadata: {name: managed, namespace: kuma-system}
        spec:
          deployment:
            replicas: 2
            resources: {limits: {cpu: 1, memory: 512Mi}}
            affinity: {nodeAffinity: {}}
            tolerations: [{operator: Exists}]
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: ZoneIngress
        metadata: {name: east, namespace: kuma-system}
        spec:
          zone: east
          networking: {address: 10.0.0.1, port: 10001, advertisedAddress: east.example.com, advertisedPort: 10001, admin: {port: 9901}}
          availableServices:
          - {tags: {kuma.io/service: backend, version: "1"}, instances: 3, mesh: default}
          - {tags: {kuma.io/service: httpbin, kuma.io/zone: east}, instances: 1, mesh: default, externalService: true}
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: Dataplane
        mesh: default
        metadata: {name: web-0, namespace: demo}
        spec:
          networking:
            address: 10.0.0.2
            inbound:
            - port: 80
              servicePort: 8080
              serviceAddress: 127.0.0.1
              tags: {kuma.io/service: web_demo_svc_80, kuma.io/protocol: http}
              health: {ready: true}
            outbound:
            - {port: 10000, tags: {kuma.io/service: httpbin}}
            transparentProxying: {redirectPortInbound: 15006, redirectPortOutbound: 15001, reachableServices: [httpbin]}
            admin: {port: 9901}
          probes: {port: 9000, endpoints: [{inboundPort: 8080, inboundPath: /h, path: /8080/h}]}
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: ExternalService
        mesh: default
        metadata: {name: httpbin}
        spec:
          tags: {kuma.io/service: httpbin, kuma.io/protocol: http, kuma.io/zone: zone-1, version: v1}
          networking:
            address: httpbin.org:443
            disableHostDNSEntry: false
            tls:
              enabled: true
              allowRenegotiation: false
              serverName: httpbin.org
              caCert: {inline: LS0t}
              clientCert: {secret: c}
              clientKey: {secret: k}
              skipHostnameVerification: false
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: MeshTrafficPermission
        metadata: {name: allow, namespace: kuma-system, labels: {kuma.io/mesh: default}}
        spec:
          targetRef: {kind: MeshService, name: httpbin}
          from:
          - targetRef: {kind: MeshSubset, tags: {kuma.io/zone: east}}
            default: {action: AllowWithShadowDeny}
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: TrafficPermission
        mesh: default
        metadata: {name: allow}
        spec:
          sources: [{match: {kuma.io/service: web}}, {match: {kuma.io/service: "*"}}]
          destinations: [{match: {kuma.io/service: httpbin, version: v1}}]
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: TrafficRoute
        mesh: default
        metadata: {name: canary}
        spec:
          sources: [{match: {kuma.io/service: "*"}}]
          destinations: [{match: {kuma.io/service: backend}}]
          conf:
            loadBalancer: {leastRequest: {choiceCount: 2}}
            split:
            - {weight: 90, destination: {kuma.io/service: backend, version: v1}}
            - {weight: 10, destination: {kuma.io/service: backend, version: v2}}
            http:
            - match: {path: {prefix: /a}, method: {exact: GET}, headers: {x: {regex: ".*"}}}
              modify:
                path: {rewritePrefix: /b}
                host: {fromPath: {pattern: a, substitution: b}}
                requestHeaders: {add: [{name: x, value: one, append: true}], remove: [{name: z}]}
                responseHeaders: {remove: [{name: z}]}
              destination: {kuma.io/service: backend}
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: MeshTCPRoute
        metadata: {name: canary, namespace: kuma-system, labels: {kuma.io/mesh: default}}
        spec:
          targetRef: {kind: MeshSubset, tags: {kuma.io/zone: east}, proxyTypes: [Sidecar]}
          to:
          - targetRef: {kind: MeshService, name: backend, sectionName: "80"}
            rules:
            - default:
                backendRefs:
                - {kind: MeshServiceSubset, name: backend, tags: {version: v1}, weight: 90}
                - {kind: MeshExternalService, name: httpbin, port: 443, weight: 10}
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: MeshLoadBalancingStrategy
        metadata: {name: near, namespace: kuma-system, labels: {kuma.io/mesh: default}}
        spec:
          targetRef: {kind: MeshSubset, tags: {kuma.io/zone: east}, proxyTypes: [Sidecar]}
          to:
          - targetRef: {kind: MeshService, name: backend, sectionName: "80"}
            default:
              localityAwareness:
                disabled: false
                localZone: {affinityTags: [{key: k8s.io/node, weight: 9000}, {key: k8s.io/az, weight: 9}]}
                crossZone:
                  failover:
                  - {from: {zones: [east]}, to: {type: Only, zones: [west]}}
                  - {to: {type: AnyExcept, zones: [north]}}
                  - {to: {type: None}}
                  failoverThreshold: {percentage: "70.5"}
              loadBalancer:
                type: RingHash
                roundRobin: {}
                random: {}
                leastRequest: {choiceCount: 4, activeRequestBias: "1.3"}
                ringHash:
                  hashFunction: MurmurHash2
                  minRingSize: 1
                  maxRingSize: 8000000
                  hashPolicies:
                  - {type: Header, terminal: true, header: {name: x}}
                  - {type: Cookie, cookie: {name: x, ttl: 1s, path: /}}
                  - {type: Connection, connection: {sourceIP: true}}
                  - {type: SourceIP}
                maglev:
                  tableSize: 65537
                  hashPolicies:
                  - {type: QueryParameter, queryParameter: {name: x}}
                  - {type: FilterState, filterState: {key: x}}
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: MeshHTTPRoute
        metadata: {name: everything, namespace: kuma-system, labels: {kuma.io/mesh: default}}
        spec:
          targetRef: {kind: MeshSubset, tags: {kuma.io/zone: east}, proxyTypes: [Sidecar]}
          to:
          - targetRef: {kind: MeshService, name: backend, sectionName: "80"}
            rules:
            - matches:
              - path: {type: PathPrefix, value: /v1}
                method: POST
                queryParams: [{type: Exact, name: a, value: ""}, {type: RegularExpression, name: b, value: ".*"}]
                headers: [{name: x-a, value: b}, {type: Present, name: x-b}, {type: Prefix, name: x-c, value: d}]
              - path: {type: PathPrefix, value: /v2}
              default:
                filters:
                - type: RequestHeaderModifier
                  requestHeaderModifier: {set: [{name: x, value: one}], add: [{name: x-y, value: two}], remove: [z]}
                - {type: ResponseHeaderModifier, responseHeaderModifier: {remove: [Z]}}
                - type: RequestRedirect
                  requestRedirect:
                    scheme: https
                    hostname: example.com
                    port: 443
                    path: {type: ReplaceFullPath, replaceFullPath: /new}
                    statusCode: 308
                - {type: URLRewrite, urlRewrite: {hostname: example.com, path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}
                - {type: RequestMirror, requestMirror: {percentage: "0.5", backendRef: {kind: MeshService, name: backend-test, weight: 1, port: 80}}}
                - {type: RequestMirror, requestMirror: {percentage: 1, backendRef: {kind: MeshServiceSubset, name: backend, tags: {version: v3}}}}
                backendRefs:
                - {kind: MeshServiceSubset, name: backend, tags: {version: v1}, weight: 90}
                - {kind: MeshExternalService, name: httpbin, port: 443, weight: 10}
            - matches: [{path: {type: PathPrefix, value: /}}]
              default: {}
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: MeshHTTPRoute
        metadata: {name: gateway, namespace: kuma-system}
        spec:
          targetRef: {kind: MeshGateway, name: edge, tags: {port: http}}
          to:
          - targetRef: {kind: Mesh}
            hostnames: [example.com]
            rules:
            - matches: [{path: {type: RegularExpression, value: "/[a-z]+"}}]
              default:
                filters: [{type: URLRewrite, urlRewrite: {hostToBackendHostname: true}}]
                backendRefs: [{kind: MeshService, name: backend}]
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: MeshExternalService
        metadata: {name: httpbin, namespace: kuma-system, labels: {kuma.io/mesh: default}}
        spec:
          match: {type: HostnameGenerator, port: 443, protocol: http2}
          endpoints:
          - {address: httpbin.org, port: 443, priority: 0}
          - {address: "2001:db8::1", port: 443, priority: 1}
          tls:
            enabled: true
            version: {min: TLSAuto, max: TLS13}
            allowRenegotiation: false
            verification:
              mode: Secured
              serverName: httpbin.org
              subjectAltNames: [{type: Prefix, value: httpbin}]
              caCert: {inline: LS0t}
              clientCert: {secret: c}
              clientKey: {secret: k}
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: Dataplane
        mesh: default
        metadata: {name: web-0, namespace: demo}
        spec:
          networking:
            inbound: [{port: 80, tags: {kuma.io/service: web_demo_svc_80}}]
            outbound: [{port: 10000, backendRef: {kind: MeshExternalService, name: httpbin, port: 443}}]
        """,
        """
        apiVersion: kuma.io/v1alpha1
        kind: Mesh
        metadata: {name: strict}
        spec: {routing: {defaultForbidMeshExternalServiceAccess: true}}
        """,
    ]
}
