/// The extension types of one hello, to find those that come twice. Types below 64 are bits; of others there may be
/// `capacity`, several times what any client sends, so that a hostile hello can't make the search long.
struct SeenExtensions {
    static var capacity: Int { 64 }

    private var low: UInt64 = 0
    private var others: InlineArray<64, UInt16>
    private var count = 0

    init() { self.others = InlineArray(repeating: 0) }

    /// False when it was there already, or when there are too many to remember.
    mutating func insert(_ type: UInt16) -> Bool {
        if type < 64 {
            let bit = UInt64(1) << UInt64(type)
            defer { self.low |= bit }
            return self.low & bit == 0
        }
        guard self.count < Self.capacity else { return false }
        for index in 0..<self.count where self.others[index] == type { return false }
        self.others[self.count] = type
        self.count += 1
        return true
    }
}
