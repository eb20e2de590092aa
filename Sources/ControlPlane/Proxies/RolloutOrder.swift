import Planning

/// Who has to serve its new table before others hear of what is in it.
///
/// What a workload is told to send through an egress or ingress, that one should already take, and so should an ingress what other
/// zones are told that it offers: a call that comes first meets `no_route`. (What they no longer take they go on taking for a while:
/// `ProxyConfig.departed`.)
struct RolloutOrder {
    /// What each said it serves.
    private var served: [ProxyID: String] = [:]
    /// What each does not serve yet.
    private var behind: [ProxyID: String] = [:]
    /// Those of them that workloads wait for.
    private var awaited: [ProxyID: String] = [:]
    private var givenUp: [ProxyID: String] = [:]
    /// Counts the waits.
    private(set) var wait = 0

    private var isWaiting: Bool { !self.awaited.isEmpty }
    /// Somebody does not serve its newest table yet.
    var isBehind: Bool { !self.behind.isEmpty }

    /// - Parameter tables: the hashes of what egresses and ingresses that are connected were sent last.
    /// - Returns: whether workloads have to wait.
    mutating func sent(_ tables: [ProxyID: String]) -> Bool {
        self.served = self.served.filter { tables[$0.key] != nil }
        self.givenUp = self.givenUp.filter { tables[$0.key] == $0.value }
        if !self.isWaiting { self.wait += 1 }
        self.behind = tables.filter { self.served[$0.key] != $0.value }
        self.awaited = self.behind.filter { self.givenUp[$0.key] == nil }
        return self.isWaiting
    }

    /// - Returns: whether a wait of workloads is over by that.
    mutating func serves(_ proxy: ProxyID, _ table: String) -> Bool {
        self.served[proxy] = table
        guard self.behind[proxy] == table else { return false }
        self.behind[proxy] = nil
        return self.awaited.removeValue(forKey: proxy) != nil && !self.isWaiting
    }

    /// Who has not answered yet is not waited for again until there is something new for it.
    /// - Returns: whether that wait was still going on.
    mutating func giveUp(_ wait: Int) -> Bool {
        guard wait == self.wait, self.isWaiting else { return false }
        self.givenUp.merge(self.awaited) { _, new in new }
        self.awaited = [:]
        return true
    }
}
