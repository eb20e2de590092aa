/// The generated `/etc/hosts` of one namespace's pods: Services by name, without a DNS server.
struct HostsFile: Hashable, Sendable {
    struct Service: Hashable, Sendable {
        var name: String
        var namespace: String
        /// The ClusterIP, or the ready pods of a headless Service.
        var addresses: [String]
    }

    /// - Parameter namespace: whose Services can be named without their namespace.
    static func text(services: [Service], for namespace: String) -> String {
        var lines = ["# Written by the Egret development node; Services come and go here.", "127.0.0.1\tlocalhost", "::1\tlocalhost"]
        for service in services.sorted(by: { ($0.namespace, $0.name) < ($1.namespace, $1.name) }) {
            let qualified = "\(service.name).\(service.namespace)"
            var names = ["\(qualified).svc.cluster.local", "\(qualified).svc", qualified]
            if service.namespace == namespace { names.append(service.name) }
            for address in service.addresses { lines.append("\(address)\t\(names.joined(separator: " "))") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A pod's own lines, which follow the Services'.
    static func podLines(name: String, address: String, aliases: [PodSpec.HostAlias]) -> String {
        ([(address, [name])] + aliases.map { ($0.address, $0.names) })
            .map { "\($0.0)\t\($0.1.joined(separator: " "))\n" }.joined()
    }
}
