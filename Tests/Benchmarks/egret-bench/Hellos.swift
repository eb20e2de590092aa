import COpenSSL

/// ClientHellos as OpenSSL writes them, one per server name.
struct Hellos {
    let wire: [[UInt8]]

    /// `*` in the name stands for a number from 0 to `count` - 1.
    init(name: String, count: Int) {
        let context = SSL_CTX_new(TLS_client_method())
        defer { SSL_CTX_free(context) }
        self.wire = (0..<count).map { number in
            let ssl = SSL_new(context)
            defer { SSL_free(ssl) }
            let name = name.split(separator: "*", omittingEmptySubsequences: false).joined(separator: "\(number)")
            bench_ssl_set_server_name(ssl, name)
            SSL_set_connect_state(ssl)
            let output = BIO_new(BIO_s_mem())
            SSL_set_bio(ssl, BIO_new(BIO_s_mem()), output)
            _ = SSL_do_handshake(ssl)
            var bytes: UnsafeMutablePointer<CChar>?
            let length = bench_bio_contents(output, &bytes)
            return bytes.map { Array(UnsafeRawBufferPointer(start: $0, count: length)) } ?? []
        }
    }
}

/// Hellos in an order that is neither sequential nor random: a step that has no divisor in common with the usual counts.
struct HelloSequence {
    private let bytes: UnsafeMutablePointer<UInt8>
    private let ranges: [(start: Int, count: Int)]
    private var position = 0

    init(_ hellos: Hellos) {
        let size = hellos.wire.reduce(0) { $0 + $1.count }
        self.bytes = .allocate(capacity: size)
        var start = 0
        var ranges: [(start: Int, count: Int)] = []
        for hello in hellos.wire {
            (self.bytes + start).initialize(from: hello, count: hello.count)
            ranges.append((start, hello.count))
            start += hello.count
        }
        self.ranges = ranges
    }

    mutating func next() -> UnsafeRawBufferPointer {
        self.position = (self.position + 7919) % self.ranges.count
        let range = self.ranges[self.position]
        return UnsafeRawBufferPointer(start: self.bytes + range.start, count: range.count)
    }
}
