import Glibc

/// Bytes that a socket did not take yet. Empty, it holds no memory.
struct Unsent: ~Copyable {
    private var bytes: UnsafeMutableRawPointer?
    private var start = 0
    private var end = 0

    var isEmpty: Bool { self.start == self.end }
    var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: self.bytes.map { $0 + self.start }, count: self.end - self.start) }

    mutating func append(_ more: UnsafeRawBufferPointer) {
        guard let from = more.baseAddress, !more.isEmpty else { return }
        let count = self.end - self.start
        let larger = malloc(count + more.count)!
        if let bytes = self.bytes { memcpy(larger, bytes + self.start, count) }
        memcpy(larger + count, from, more.count)
        free(self.bytes)
        (self.bytes, self.start, self.end) = (larger, 0, count + more.count)
    }

    mutating func sent(_ count: Int) {
        self.start += count
        if self.isEmpty { self.clear() }
    }

    mutating func clear() {
        free(self.bytes)
        (self.bytes, self.start, self.end) = (nil, 0, 0)
    }

    deinit { free(self.bytes) }
}
