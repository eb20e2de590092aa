import JSONModel

extension Behaviour {
    static let service = Behaviour(
        complete: { object, old in
            guard object["spec"] != nil else { return }
            ServiceRules.completePorts(&object, old)
            guard object.at("spec", "type") != "ExternalName" else { return }
            if object.at("spec", "internalTrafficPolicy") == nil { object.set(["spec", "internalTrafficPolicy"], to: "Cluster") }
            if object.at("spec", "type") != "ClusterIP", object.at("spec", "externalTrafficPolicy") == nil {
                object.set(["spec", "externalTrafficPolicy"], to: "Cluster")
            }
            for name in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] where object.at("spec", name) == nil {
                if let kept = old?.at("spec", name) { object.set(["spec", name], to: kept) }
            }
        },
        prepareCreate: { object, context in
            object["status"] = ["loadBalancer": [:]]
            guard object.at("spec", "type") != "ExternalName" else { return }
            for (name, fallback) in [("ipFamilies", ["IPv4"] as JSON), ("ipFamilyPolicy", "SingleStack")]
            where object.at("spec", name) == nil { object.set(["spec", name], to: fallback) }
            let others = context.all("services")
            let wanted = object.at("spec", "clusterIP")?.string ?? ""
            if wanted.isEmpty {
                let address = JSON(ClusterAddresses.free(besides: others))
                object.set(["spec", "clusterIP"], to: address)
                object.set(["spec", "clusterIPs"], to: [address])
            } else if wanted != "None", others.contains(where: { $0.at("spec", "clusterIP")?.string == wanted }) {
                throw FieldErrors([
                    .invalid("spec.clusterIPs", [JSON(wanted)], "failed to allocate IP \(wanted): provided IP is already allocated")
                ])
            }
            if let address = object.at("spec", "clusterIP"), object.at("spec", "clusterIPs") == nil {
                object.set(["spec", "clusterIPs"], to: [address])
            }
            guard ["NodePort", "LoadBalancer"].contains(object.at("spec", "type")?.string ?? "") else { return }
            ServiceRules.giveNodePorts(&object, besides: others)
        },
        validate: { object, old in
            var errors: [FieldError] = []
            let spec = object["spec"] ?? [:]
            let type = spec["type"]?.string ?? "ClusterIP"
            let ports = spec["ports"]?.array ?? []
            var names: Set<String> = []
            if ports.isEmpty, type != "ExternalName", spec["clusterIP"] != "None" { errors.append(.required("spec.ports")) }
            for (index, port) in ports.enumerated() {
                let path = FieldPath("spec.ports").index(index)
                if let number = port["port"]?.int, !(1...65535).contains(number) {
                    errors.append(.invalid(path.member("port").text, JSON(number), "must be between 1 and 65535, inclusive"))
                }
                guard let name = port["name"]?.string, !name.isEmpty else {
                    if ports.count > 1 { errors.append(.required(path.member("name").text)) }
                    continue
                }
                if !names.insert(name).inserted { errors.append(.duplicate(path.member("name").text, JSON(name))) }
            }
            if type == "ExternalName", spec["externalName"]?.string?.isEmpty ?? true { errors.append(.required("spec.externalName")) }
            if let before = old?.at("spec", "clusterIP"), let after = spec["clusterIP"], before != after, type != "ExternalName",
                old?.at("spec", "type") != "ExternalName"
            {
                errors.append(.invalid("spec.clusterIPs[0]", [after], "may not change once set"))
            }
            return errors
        })
}

enum ServiceRules {
    static func completePorts(_ object: inout JSON, _ old: JSON?) {
        guard let ports = object.at("spec", "ports")?.array else { return }
        let before = old?.at("spec", "ports")?.array ?? []
        let keepsNodePorts = object.at("spec", "type") != "ClusterIP"
        object.set(
            ["spec", "ports"],
            to: .array(
                ports.map { port in
                    var port = port
                    if port["targetPort"] == nil { port["targetPort"] = port["port"] }
                    if keepsNodePorts, port["nodePort"] == nil {
                        port["nodePort"] = before.first { $0["port"] == port["port"] && $0["protocol"] == port["protocol"] }?["nodePort"]
                    }
                    return port
                }))
    }

    static func giveNodePorts(_ object: inout JSON, besides others: [JSON]) {
        var taken = Set(others.flatMap { $0.at("spec", "ports")?.array ?? [] }.compactMap { $0["nodePort"]?.int })
        object.set(
            ["spec", "ports"],
            to: .array(
                (object.at("spec", "ports")?.array ?? []).map { port in
                    guard port["nodePort"] == nil, let free = (30_000...32_767).first(where: { !taken.contains($0) }) else { return port }
                    taken.insert(free)
                    return MergePatch.apply(["nodePort": JSON(free)], to: port)
                }))
    }
}

/// Services' addresses: loopback ones, so that a process without privileges can listen on them. They share the first two
/// numbers of the API's own Service, which is there before any other.
enum ClusterAddresses {
    static let api = "127.100.0.1"

    static func free(besides services: [JSON]) -> String {
        let taken = Set(services.compactMap { $0.at("spec", "clusterIP")?.string })
        let own = services.first { $0.at("metadata", "name") == "kubernetes" && $0.at("metadata", "namespace") == "default" }
        let block = (own?.at("spec", "clusterIP")?.string ?? Self.api).split(separator: ".").prefix(2).joined(separator: ".")
        for number in 10..<65_535 {
            let address = "\(block).\(number / 256).\(number % 256)"
            if number % 256 != 0, number % 256 != 255, !taken.contains(address) { return address }
        }
        return "None"
    }
}

/// Thrown where one function finds the errors and another knows the object's name.
struct FieldErrors: Error, Hashable {
    let errors: [FieldError]
    init(_ errors: [FieldError]) { self.errors = errors }
}
