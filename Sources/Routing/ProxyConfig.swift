/// Everything one proxy obeys: the single value between the control plane, which plans it, and the proxy, which serves it.
///
/// Every proxy type is the same machine with a different table:
/// - egress: `passthrough` to remote zone ingresses, `terminate` for external services;
/// - ingress: `passthrough` to local dataplanes and egresses;
/// - dataplane: `originate` for the app's outbounds, `terminate` for what comes in to the workload.
///
/// The value is complete and self-contained: a proxy needs nothing else but its own certificates. Its JSON form is the
/// wire form of the config stream.
package struct ProxyConfig: Codable, Hashable, Sendable {
    package var listeners: [Listener]
    package var clusters: [Cluster]
    /// Whom to believe, per mesh.
    package var trust: [Trust]
    /// Which certificates the proxy asks the control plane for, one per mesh.
    package var identities: [IdentityRequest]
    /// Open connections of the whole proxy at most; more are refused with `connection_limit`. Nil: no limit but the machine's.
    package var maxConnections: Int?
    /// What becomes of established connections whose route is gone; nil means `keep`.
    package var removedRoutes: RemovedRoutes?

    package enum RemovedRoutes: String, Codable, Hashable, Sendable {
        /// They go on until they end by themselves.
        case keep
        /// They are closed as soon as the table without their route serves.
        case cut
    }

    package init(
        listeners: [Listener] = [], clusters: [Cluster] = [], trust: [Trust] = [], identities: [IdentityRequest] = [],
        maxConnections: Int? = nil, removedRoutes: RemovedRoutes? = nil
    ) {
        self.listeners = listeners
        self.clusters = clusters
        self.trust = trust
        self.identities = identities
        self.maxConnections = maxConnections
        self.removedRoutes = removedRoutes
    }
}

/// The header of HAProxy's PROXY protocol that says who the client behind a connection is.
package enum ProxyProtocol: String, Codable, Hashable, Sendable {
    /// The binary form, version 2.
    case v2
}

/// One bound address and what happens to the connections it accepts.
package struct Listener: Codable, Hashable, Sendable {
    package var name: String
    /// An IP address literal. Never an unspecified address (`0.0.0.0`, `::`).
    package var address: String
    package var port: UInt16
    package var kind: Kind
    /// What every connection has to begin with, ahead of its hello; nil: nothing. A connection without it is refused with
    /// `malformed_proxy_header`.
    package var proxyProtocol: ProxyProtocol?

    package enum Kind: Codable, Hashable, Sendable {
        /// TLS from clients, routed by server name.
        case sni(routes: [Route])
        /// Whatever comes, for one service: from the local application, or to it where nothing is encrypted. `action` is `originate` or `passthrough`.
        case outbound(service: String, action: Action)
        /// Mesh TLS, which its client tells by offering `MeshTLS.alpn`, and whatever else comes: TLS of others, plaintext, a client
        /// that waits for the server to speak. Mesh TLS is routed by server name and ends, `other` is `passthrough`.
        case permissive(routes: [Route], other: Action)
    }

    package init(name: String, address: String, port: UInt16, kind: Kind, proxyProtocol: ProxyProtocol? = nil) {
        self.name = name
        self.address = address
        self.port = port
        self.kind = kind
        self.proxyProtocol = proxyProtocol
    }
}

/// A rule of an SNI listener.
package struct Route: Codable, Hashable, Sendable {
    /// Exact names, `*.suffix` patterns (one or more labels, the suffix itself excluded) or `*`. Compared
    /// case-insensitively, a trailing dot ignored. Exact beats the longest suffix, which beats `*`; the first of equals wins.
    package var sni: [String]
    package var action: Action
    /// Where the rule comes from, for logs and explanations: `ExternalService/httpbin`, `ZoneIngress/east.kuma-system`.
    package var origin: String
    /// True: for clients alone that offer `MeshTLS.alpn`, as those of a mesh do; others meet no route. Nil: for all.
    package var ofMesh: Bool?

    package init(sni: [String], action: Action, origin: String, ofMesh: Bool? = nil) {
        self.sni = sni
        self.action = action
        self.origin = origin
        self.ofMesh = ofMesh
    }
}

package enum Action: Codable, Hashable, Sendable {
    /// Bytes go on untouched: the TLS session is end to end and this proxy never sees inside.
    case passthrough(cluster: String)
    /// Mesh mTLS ends here. The caller is authorised by the names in its certificate, then a new connection goes out.
    case terminate(mesh: String, callers: CallerRules, cluster: String)
    /// Plaintext comes in, mesh mTLS goes out under this proxy's identity in `mesh`; the cluster says to whom.
    case originate(mesh: String, cluster: String)

    package var cluster: String {
        switch self {
        case .passthrough(let cluster), .terminate(_, _, let cluster), .originate(_, let cluster): cluster
        }
    }
}

/// Where connections go.
package struct Cluster: Codable, Hashable, Sendable {
    /// Unique in the config: `<mesh>:<service>`.
    package var name: String
    /// May be empty: then every connection for it is refused with `no_endpoint`.
    package var endpoints: [Endpoint]
    package var tls: UpstreamTLS
    /// Open connections of this proxy to the cluster at most; more are refused with `cluster_connection_limit`. Nil: no limit.
    package var maxConnections: Int?
    /// The header sent ahead of everything else; nil: none.
    package var proxyProtocol: ProxyProtocol?
    /// Which addresses a host name may lead to; nil: any. Endpoints given as an address were chosen by whoever wrote it.
    package var resolvedAddresses: AddressRules?
    /// Percent of a priority's endpoints, from 1 to 100, below which a part of its connections goes on to the next; nil: they go on
    /// when none is left.
    package var failoverThreshold: Int?

    package init(
        name: String, endpoints: [Endpoint], tls: UpstreamTLS = .none, maxConnections: Int? = nil, proxyProtocol: ProxyProtocol? = nil,
        resolvedAddresses: AddressRules? = nil, failoverThreshold: Int? = nil
    ) {
        self.name = name
        self.endpoints = endpoints
        self.tls = tls
        self.maxConnections = maxConnections
        self.proxyProtocol = proxyProtocol
        self.resolvedAddresses = resolvedAddresses
        self.failoverThreshold = failoverThreshold
    }
}

/// CIDR blocks such as `169.254.0.0/16` or `fc00::/7`. An address is denied when a block of `deny` has it and no block of
/// `allow` does.
package struct AddressRules: Codable, Hashable, Sendable {
    package var deny: [String]
    package var allow: [String]

    package init(deny: [String] = [], allow: [String] = []) {
        self.deny = deny
        self.allow = allow
    }
}

package struct Endpoint: Codable, Hashable, Sendable {
    /// An IP address literal or a host name, which the proxy resolves.
    package var address: String
    package var port: UInt16
    /// At least 1.
    package var weight: Int
    /// 0 is used first; see `Cluster.failoverThreshold`.
    package var priority: Int
    /// The zone the endpoint is in, where known.
    package var locality: String?
    /// Where it speaks another TLS than its cluster says; nil: the cluster's.
    package var tls: UpstreamTLS?

    package init(
        address: String, port: UInt16, weight: Int = 1, priority: Int = 0, locality: String? = nil, tls: UpstreamTLS? = nil
    ) {
        self.address = address
        self.port = port
        self.weight = weight
        self.priority = priority
        self.locality = locality
        self.tls = tls
    }
}

///
/// Indirect: every endpoint has room for one, and few endpoints have one.
package indirect enum UpstreamTLS: Codable, Hashable, Sendable {
    /// Bytes as they come: plain TCP, or somebody else's TLS passing through.
    case none
    /// Mesh mTLS: present the identity of `mesh`, send `sni`, trust the CA of `mesh` and demand exactly the SPIFFE id `peer`.
    case mesh(mesh: String, sni: String, peer: String)
    /// TLS to the world outside.
    case external(ExternalTLS)
}

package struct ExternalTLS: Codable, Hashable, Sendable {
    /// Server name to send and to verify; nil sends none (the endpoint is an IP address).
    package var serverName: String?
    /// PEM bundle to trust; nil means the system's roots.
    package var ca: String?
    package var clientCertificate: ClientCertificate?
    package var verify: Verification
    /// Protocols to offer, best first (ALPN, RFC 7301); nil offers none.
    package var alpn: [String]?
    /// Further names of the server, any of which will do in the place of `serverName`; with `verify: full` only.
    package var names: [NameMatch]?
    /// Nil: 1.2.
    package var minVersion: Version?
    /// Nil: 1.3.
    package var maxVersion: Version?

    package enum Verification: String, Codable, Hashable, Sendable {
        /// Chain and name.
        case full
        /// Chain only (`skipHostnameVerification`).
        case chain
        /// Neither. Only ever an explicit choice of the user.
        case none
    }

    package enum Version: String, Codable, Hashable, Sendable {
        case v12 = "1.2"
        case v13 = "1.3"
    }

    package init(
        serverName: String?, ca: String? = nil, clientCertificate: ClientCertificate? = nil, verify: Verification = .full,
        alpn: [String]? = nil, names: [NameMatch]? = nil, minVersion: Version? = nil, maxVersion: Version? = nil
    ) {
        self.serverName = serverName
        self.ca = ca
        self.clientCertificate = clientCertificate
        self.verify = verify
        self.alpn = alpn
        self.names = names
        self.minVersion = minVersion
        self.maxVersion = maxVersion
    }
}

/// A name in a certificate (a DNS name, an IP address or a URI of its subject alternative names), whole or by its beginning.
package struct NameMatch: Codable, Hashable, Sendable {
    package var value: String
    package var isPrefix: Bool

    package init(_ value: String, isPrefix: Bool = false) {
        self.value = value
        self.isPrefix = isPrefix
    }
}

/// A certificate for an external server, PEM. Its description never shows the key.
package struct ClientCertificate: Codable, Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package var certificate: String
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    package var description: String { "ClientCertificate(key: …)" }
    package var debugDescription: String { self.description }
}

package struct Trust: Codable, Hashable, Sendable {
    package var mesh: String
    /// PEM bundle of the mesh's CA certificates.
    package var ca: String

    package init(mesh: String, ca: String) {
        self.mesh = mesh
        self.ca = ca
    }
}

package struct IdentityRequest: Codable, Hashable, Sendable {
    package var mesh: String
    /// What the control plane will sign for this proxy: its SPIFFE id, such as `spiffe://default/zone-egress`, and behind it
    /// those of further services and `kuma://<tag>/<value>` for each of its tags.
    package var names: [String]
    /// Which authority signs now, as a word that changes with it: a certificate of another one is to be replaced. Nil where
    /// nobody says.
    package var authority: String?

    package init(mesh: String, names: [String], authority: String? = nil) {
        self.mesh = mesh
        self.names = names
        self.authority = authority
    }

    /// Who the proxy is.
    package var spiffeID: String { self.names.first ?? "" }
}
