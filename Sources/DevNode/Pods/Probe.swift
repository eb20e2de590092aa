import JSONModel

/// A question the kubelet asks a running container again and again.
struct Probe: Hashable, Sendable {
    enum Kind: String, Hashable, Sendable, CaseIterable {
        case startup = "startupProbe"
        case readiness = "readinessProbe"
        case liveness = "livenessProbe"
    }

    /// Also what a `preStop` hook may do.
    enum Check: Hashable, Sendable {
        case http(HTTPCheck)
        case tcp(host: String?, port: Int)
        case exec([String])
        case sleep(Duration)
    }

    struct HTTPCheck: Hashable, Sendable {
        var scheme: String
        /// nil: the pod's address.
        var host: String?
        var port: Int
        var path: String
        var headers: [Header]

        struct Header: Hashable, Sendable {
            var name: String
            var value: String
        }
    }

    var check: Check
    var initialDelay: Duration
    var period: Duration
    var timeout: Duration
    var successThreshold: Int
    var failureThreshold: Int

    init?(_ probe: JSON, ports: [ContainerPort]) {
        guard let check = Check(probe, ports: ports) else { return nil }
        self.check = check
        self.initialDelay = .seconds(probe["initialDelaySeconds"]?.int ?? 0)
        self.period = .seconds(max(1, probe["periodSeconds"]?.int ?? 10))
        self.timeout = .seconds(max(1, probe["timeoutSeconds"]?.int ?? 1))
        self.successThreshold = max(1, probe["successThreshold"]?.int ?? 1)
        self.failureThreshold = max(1, probe["failureThreshold"]?.int ?? 3)
    }
}

extension Probe.Check {
    init?(_ action: JSON, ports: [ContainerPort]) {
        if let http = action["httpGet"] {
            self = .http(
                Probe.HTTPCheck(
                    scheme: http["scheme"]?.string?.lowercased() ?? "http", host: http["host"]?.string,
                    port: Self.port(http["port"], ports), path: http["path"]?.string ?? "/",
                    headers: http["httpHeaders"].elements.map {
                        .init(name: $0["name"]?.string ?? "", value: $0["value"]?.string ?? "")
                    }))
        } else if let tcp = action["tcpSocket"] {
            self = .tcp(host: tcp["host"]?.string, port: Self.port(tcp["port"], ports))
        } else if let exec = action["exec"] {
            self = .exec(exec["command"].strings)
        } else if let sleep = action["sleep"] {
            self = .sleep(.seconds(sleep["seconds"]?.int ?? 0))
        } else {
            return nil
        }
    }

    /// A port by number or by the name it has in the container. An unknown name gives 0, which no connection reaches.
    private static func port(_ value: JSON?, _ ports: [ContainerPort]) -> Int {
        if let number = value?.int { return number }
        guard let name = value?.string else { return 0 }
        return ports.first { $0.name == name }?.number ?? Int(name) ?? 0
    }
}
