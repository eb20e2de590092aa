import Planning

/// Who has to serve its new table before workloads hear of theirs.
///
/// What a workload is told to send through an egress or ingress, that one should already take: a call that comes first meets
/// `no_route`. (What they no longer take they go on taking for a while: `ProxyConfig.departed`.)
struct RolloutOrder {
    /// What each said it serves, or was given up on.
    private var served: [ProxyID: String] = [:]
    private var awaited: [ProxyID: String] = [:]
    /// Counts the waits.
    private(set) var wait = 0

    var isWaiting: Bool { !self.awaited.isEmpty }

    /// - Parameter tables: the hashes of what egresses and ingresses that are connected were sent last.
    /// - Returns: whether workloads have to wait.
    mutating func sent(_ tables: [ProxyID: String]) -> Bool {
        self.served = self.served.filter { tables[$0.key] != nil }
        if !self.isWaiting { self.wait += 1 }
        self.awaited = tables.filter { self.served[$0.key] != $0.value }
        return self.isWaiting
    }

    /// - Returns: whether a wait is over by that.
    mutating func serves(_ proxy: ProxyID, _ table: String) -> Bool {
        self.served[proxy] = table
        guard self.awaited[proxy] == table else { return false }
        self.awaited[proxy] = nil
        return !self.isWaiting
    }

    /// Who has not answered yet is not waited for again until there is something new for it.
    /// - Returns: whether that wait was still going on.
    mutating func giveUp(_ wait: Int) -> Bool {
        guard wait == self.wait, self.isWaiting else { return false }
        self.served.merge(self.awaited) { _, awaited in awaited }
        self.awaited = [:]
        return true
    }
}
