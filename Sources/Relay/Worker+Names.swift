import NameResolution
import Routing

/// Host names, as one worker knows them. The resolver and what it remembers are the process's.
extension Worker {
    /// What is known of a host; asks when that is nothing or old.
    @discardableResult
    mutating func lookUp(_ name: String) -> ResolvedHost {
        var host = self.hosts[name] ?? ResolvedHost()
        guard !host.isAsked && self.now >= host.validUntil else { return host }
        let mailbox = self.environment.mailbox
        if let answer = self.environment.resolver.resolve(name, { mailbox.post(.resolved(name, $0)) }) {
            host.adopt(answer, now: self.now)
        } else {
            host.isAsked = true
        }
        self.hosts[name] = host
        return host
    }

    mutating func resolved(_ name: String, _ answer: ResolvedName) {
        var host = self.hosts[name] ?? ResolvedHost()
        let waiting = host.waiting
        host.adopt(answer, now: self.now)
        host.isAsked = false
        host.waiting = []
        self.hosts[name] = host
        for reference in waiting {
            guard let slot = self.slab.slot(Int(reference.index), generation: reference.generation), slot.pointee.state == .resolving
            else { continue }
            self.connect(slot)
        }
    }
}
