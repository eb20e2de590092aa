import CLinux
import CNIOBoringSSL
import Glibc

/// What goes into and comes out of BoringSSL on one thread: its sessions read from `input` and write to `output`, which
/// all of them share, because only one runs at a time. An idle session so holds no buffer of ours.
final class Exchange {
    /// How much is received at once. More would leave the processor's second cache.
    static let receiveSize = 128 * 1024
    /// Plaintext is never more than the ciphertext it came in, but up to a record of it may have been held back before.
    private static let plainSize = receiveSize + 32 * 1024

    let input: UnsafeMutableRawPointer
    private(set) var start = 0
    private(set) var end = 0
    let plain: UnsafeMutableRawPointer
    private var sending: UnsafeMutableRawPointer
    private var outputCount = 0
    private var outputCapacity: Int
    /// The session whose handshake is under way.
    unowned(unsafe) var session: TLSSession?
    /// `BIO *`, one for all sessions.
    private let bio: OpaquePointer

    init() {
        self.input = .allocate(byteCount: Self.plainSize, alignment: 64)
        self.plain = .allocate(byteCount: Self.plainSize, alignment: 64)
        self.outputCapacity = Self.plainSize + 16 * 1024
        self.sending = .allocate(byteCount: self.outputCapacity, alignment: 64)
        self.bio = BIO_new(Self.method)!
        BIO_set_init(self.bio, 1)
        BIO_set_data(self.bio, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        BIO_free(self.bio)
        self.input.deallocate()
        self.plain.deallocate()
        self.sending.deallocate()
    }

    var inputCount: Int { self.end - self.start }
    var unread: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: self.input + self.start, count: self.inputCount) }
    var plainCapacity: Int { Self.plainSize }

    /// `input` holds so many bytes from its beginning.
    func filled(_ count: Int) { (self.start, self.end) = (0, count) }

    /// Puts bytes kept from before into `input`; they came from it, so they fit.
    func fill(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { self.input.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        self.filled(bytes.count)
    }

    var output: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: self.sending, count: self.outputCount) }

    func emptyOutput() { self.outputCount = 0 }

    func attach(to ssl: OpaquePointer) {
        // Once for reading, once for writing.
        BIO_up_ref(self.bio)
        SSL_set_bio(ssl, self.bio, self.bio)
    }

    static func of(_ bio: OpaquePointer?) -> Exchange { Unmanaged<Exchange>.fromOpaque(BIO_get_data(bio)!).takeUnretainedValue() }

    fileprivate func read(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
        let count = min(count, self.inputCount)
        guard count > 0 else { return 0 }
        memcpy(bytes, self.input + self.start, count)
        self.start += count
        return count
    }

    fileprivate func write(_ bytes: UnsafeRawPointer, _ count: Int) {
        if self.outputCount + count > self.outputCapacity {
            self.outputCapacity = max(self.outputCapacity * 2, self.outputCount + count)
            let larger = UnsafeMutableRawPointer.allocate(byteCount: self.outputCapacity, alignment: 64)
            memcpy(larger, self.sending, self.outputCount)
            self.sending.deallocate()
            self.sending = larger
        }
        memcpy(self.sending + self.outputCount, bytes, count)
        self.outputCount += count
    }

    /// Set up once and only read from then on.
    nonisolated(unsafe) private static let method: OpaquePointer = {
        let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "egret")!
        BIO_meth_set_read(method) { bio, bytes, count in
            BIO_clear_retry_flags(bio)
            let taken = Exchange.of(bio).read(bytes!, Int(count))
            if taken > 0 { return CInt(taken) }
            BIO_set_retry_read(bio)
            return -1
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            BIO_clear_retry_flags(bio)
            Exchange.of(bio).write(bytes!, Int(count))
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }()
}
