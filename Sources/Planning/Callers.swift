import MeshModel
import Routing

/// Who may call something, by the services of callers.
struct Callers: Hashable {
    /// Of the mesh, whoever is not named below.
    var anybody: Bool
    var named: [String: Bool]

    static let nobody = Callers(anybody: false, named: [:])
    static let everybody = Callers(anybody: true, named: [:])

    func allows(_ service: String) -> Bool { self.named[service] ?? self.anybody }

    /// Those who may call both.
    func intersection(_ other: Callers) -> Callers {
        var both = Callers(anybody: self.anybody && other.anybody, named: [:])
        for name in Set(self.named.keys).union(other.named.keys) { both.named[name] = self.allows(name) && other.allows(name) }
        return both
    }

    func rules(in mesh: MeshName) -> CallerRules {
        var rules = CallerRules()
        if self.anybody { rules.allow.append("spiffe://\(mesh)/*") }
        for (name, isAllowed) in self.named.sorted(by: { $0.key < $1.key }) where isAllowed != self.anybody {
            let id = "spiffe://\(mesh)/\(name)"
            if isAllowed { rules.allow.append(id) } else { rules.deny.append(id) }
        }
        return rules
    }
}

/// Callers as a certificate can tell them apart: it carries the service and no further tag.
enum CallerPattern: Hashable {
    case anybody
    case service(String)
    /// Narrower than that.
    case inexact

    init(_ reference: TargetRef) {
        if reference.isOfGateways {
            self = .inexact
            return
        }
        switch reference.kind {
        case .mesh: self = .anybody
        case .meshService: self = .service(reference.name ?? "")
        case .meshServiceSubset: self = reference.tags.isEmpty ? .service(reference.name ?? "") : .inexact
        case .meshSubset: self = Self.of(reference.tags)
        case .meshGateway, .meshExternalService: self = .inexact
        }
    }

    /// `*` says nothing about a caller: every one has a service, and further tags are not seen.
    init(_ selector: TagSelector) { self = Self.of(selector.tags.filter { $0.value != TagSelector.any }) }

    private static func of(_ tags: [String: String]) -> CallerPattern {
        if tags.isEmpty { return .anybody }
        return if tags.count == 1, let service = tags[Tag.service] { .service(service) } else { .inexact }
    }

    var specificity: Int {
        switch self {
        case .anybody: 0
        case .service: 1
        case .inexact: 2
        }
    }
}
