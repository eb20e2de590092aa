extension Hasher {
    /// One hash of several values, to be added up with others in any order.
    static func of(_ values: any Hashable...) -> Int {
        var hasher = Hasher()
        for value in values { value.hash(into: &hasher) }
        return hasher.finalize()
    }
}
