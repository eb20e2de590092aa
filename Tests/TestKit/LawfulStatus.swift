package import JSONModel
import KubeAPI
package import Testing

/// What kstatus (Flux, Argo CD, `kubectl wait`) takes for granted about a status of ours.
package func expectLawfulStatus(_ status: JSON, generation: Int, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) {
    func law(_ holds: Bool, _ text: String) {
        if !holds { Issue.record("\(name): \(text)\n\(status.prettyText)", sourceLocation: sourceLocation) }
    }
    let conditions = (status["conditions"]?.array ?? []).compactMap(Condition.init)
    law(conditions.count == status["conditions"]?.array?.count, "every condition can be read")
    law(status["observedGeneration"]?.int == generation, "observedGeneration is the object's generation")
    law(Set(conditions.map(\.type)).count == conditions.count, "each type stands once")
    for condition in conditions {
        law(condition.observedGeneration == generation, "\(condition.type) is about this generation")
        law(condition.lastTransitionTime != nil, "\(condition.type) says since when")
        law(!condition.reason.isEmpty && condition.reason.allSatisfy { $0.isLetter }, "\(condition.type) has a CamelCase reason")
        law(condition.message.hasSuffix(".") || condition.message.contains("Next: "), "\(condition.type) says a sentence")
        law(!condition.message.contains("PRIVATE KEY"), "\(condition.type) shows no secret")
    }
    guard let ready = conditions["Ready"], let accepted = conditions["Accepted"] else {
        return law(false, "Ready and Accepted are always there")
    }
    let reconciling = conditions["Reconciling"]
    let stalled = conditions["Stalled"]
    law(reconciling.map(\.isTrue) != false && stalled.map(\.isTrue) != false, "Reconciling and Stalled stand there only while true")
    law(reconciling == nil || stalled == nil, "an object cannot be on its way and stuck")
    law(!ready.isTrue || (reconciling == nil && stalled == nil), "what is ready is neither on its way nor stuck")
    law(accepted.isTrue || !ready.isTrue, "what is not accepted is not ready")
    if !ready.isTrue { law(ready.message != "", "what is not ready says why") }
}
