/// Hands each pod an address of its own. A released address is not given again before the others have had their turn,
/// so that a client with an old answer does not meet a stranger.
struct AddressPool: Sendable {
    private let block: AddressBlock
    private var next: UInt32
    private var taken: [String: UInt32] = [:]
    private var used: Set<UInt32> = []

    init(_ block: AddressBlock) {
        self.block = block
        self.next = block.hosts.lowerBound
    }

    /// The holder's address; nil when every address is taken.
    mutating func take(for holder: String) -> String? {
        if let address = self.taken[holder] { return IPv4Text.format(address) }
        let hosts = self.block.hosts
        for _ in 0..<hosts.count {
            let candidate = self.next
            self.next = candidate + 1 == hosts.upperBound ? hosts.lowerBound : candidate + 1
            if self.used.insert(candidate).inserted {
                self.taken[holder] = candidate
                return IPv4Text.format(candidate)
            }
        }
        return nil
    }

    mutating func release(_ holder: String) {
        if let address = self.taken.removeValue(forKey: holder) { self.used.remove(address) }
    }
}
