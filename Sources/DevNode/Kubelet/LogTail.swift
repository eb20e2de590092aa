/// Which part of a log a reader wants.
struct LogRequest: Hashable, Sendable {
    var container: String
    var follow: Bool
    /// nil: everything.
    var tailLines: Int?
    var limitBytes: Int?
    var previous: Bool

    /// Where the last `count` lines begin.
    static func tailStart(_ bytes: [UInt8], lines count: Int) -> Int {
        guard count > 0 else { return bytes.count }
        // A newline at the very end closes the last line and opens none.
        var end = bytes.count
        if bytes.last == UInt8(ascii: "\n") { end -= 1 }
        var found = 0
        for index in stride(from: end - 1, through: 0, by: -1) where bytes[index] == UInt8(ascii: "\n") {
            found += 1
            if found == count { return index + 1 }
        }
        return 0
    }
}
