import KubeAPI

/// What is to be said about one aspect of an object, in one reason and one sentence.
enum Verdict: Hashable {
    case good(Reason, String)
    /// Comes right by itself, or when something else arrives.
    case waiting(Reason, String)
    /// Stays wrong until a person changes something.
    case needsPerson(Reason, String)
    /// Switched off on purpose: not ready, and nothing is wrong.
    case off(Reason, String)

    var reason: Reason {
        switch self {
        case .good(let reason, _), .waiting(let reason, _), .needsPerson(let reason, _), .off(let reason, _): reason
        }
    }

    var sentence: String {
        switch self {
        case .good(_, let sentence), .waiting(_, let sentence), .needsPerson(_, let sentence), .off(_, let sentence): sentence
        }
    }

    var isGood: Bool { if case .good = self { true } else { false } }
}

extension String {
    /// Somebody else's words, ended with a full stop where they have no end.
    var asSentence: String { self.last.map { ".!?".contains($0) } == true ? self : self + "." }
}

/// Everything the status of one object says in conditions, before it is folded.
struct Judgement {
    /// The spec is valid and in use.
    var accepted: Verdict
    /// What else `Ready` depends on, most important first.
    var checks: [Verdict] = []
    /// Said when all is well.
    var ready: String
    /// Conditions that do not count for `Ready`.
    var others: [(type: String, verdict: Verdict)] = []

    /// The one place where `Ready` is made. The result follows kstatus: `Ready` is always there, `Reconciling` and
    /// `Stalled` only while true, never both and never beside `Ready=True`.
    func conditions(generation: Int) -> [Condition] {
        let worst = ([self.accepted] + self.checks).first { !$0.isGood }
        func condition(_ type: String, _ status: Condition.Status, _ reason: Reason, _ sentence: String) -> Condition {
            Condition(type, status, reason: reason.rawValue, message: sentence, observedGeneration: generation)
        }
        var conditions = [condition("Accepted", self.accepted.isGood ? .true : .false, self.accepted.reason, self.accepted.sentence)]
        for (type, verdict) in self.others {
            let status: Condition.Status = if verdict.isGood { .true } else if case .waiting = verdict { .unknown } else { .false }
            conditions.append(condition(type, status, verdict.reason, verdict.sentence))
        }
        switch worst {
        case nil, .good: conditions.append(condition("Ready", .true, .ready, self.ready))
        case .waiting(let reason, let sentence):
            conditions.append(condition("Ready", .false, reason, sentence))
            conditions.append(condition("Reconciling", .true, reason, sentence))
        case .needsPerson(let reason, let sentence):
            conditions.append(condition("Ready", .false, reason, sentence))
            conditions.append(condition("Stalled", .true, reason, sentence))
        case .off(let reason, let sentence): conditions.append(condition("Ready", .false, reason, sentence))
        }
        return conditions
    }
}
