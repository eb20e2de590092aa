import CLinux

/// Files of /proc and /sys: short texts that are made anew with each read.
enum SmallFile {
    /// The text of an open file as it is now; nil where it cannot be read.
    static func withText<Result>(_ file: Int32, _ body: (UnsafeBufferPointer<UInt8>) -> Result?) -> Result? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 8192) { buffer in
            let count = cl_read_anew(file, buffer.baseAddress, buffer.count)
            return count > 0 ? body(UnsafeBufferPointer(rebasing: buffer[..<count])) : nil
        }
    }

    static func text(_ path: String) -> String? {
        let file = cl_open_to_read(path)
        guard file >= 0 else { return nil }
        defer { _ = cl_close(file) }
        return self.withText(file) { String(decoding: $0, as: UTF8.self) }
    }
}
