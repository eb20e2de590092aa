internal import CCurl

/// One easy handle and everything that must live as long as it does. Lives on the loop's thread only.
final class CurlTransfer {
    let exchange: Exchange
    let easy: UnsafeMutableRawPointer
    var lastActivity = ContinuousClock.now
    private var lists: [UnsafeMutablePointer<curl_slist>] = []
    private let errorText: UnsafeMutablePointer<CChar>
    private var head = HeadReader()
    /// How much of a body that must not be sent twice is sent.
    private var uploaded = 0

    init(_ exchange: Exchange) throws(TransportError) {
        guard let easy = curl_easy_init() else { throw TransportError(.failed, "libcurl is out of memory") }
        self.exchange = exchange
        self.easy = easy
        self.errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        self.errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        var options = CurlOptions(easy: easy)
        options.set(exchange.request, isStream: exchange.isStream)
        self.lists = options.lists
        if let body = exchange.request.body, !body.isEmpty, !exchange.request.isIdempotent {
            options.check(
                egret_curl_set_unrepeatable_body(
                    easy, { CurlTransfer.onUpload($0, $1, $2, $3) }, Unmanaged.passUnretained(self).toOpaque(), body.count))
        }
        options.check(egret_curl_set_error_buffer(easy, self.errorText))
        options.check(
            egret_curl_set_callbacks(
                easy, { CurlTransfer.onHeader($0, $1, $2, $3) }, { CurlTransfer.onBytes($0, $1, $2, $3) },
                Unmanaged.passUnretained(self).toOpaque()))
        if let failure = options.failure { throw failure }
    }

    deinit {
        curl_easy_cleanup(self.easy)
        for list in self.lists { curl_slist_free_all(list) }
        self.errorText.deallocate()
    }

    /// When a stream has been silent for too long; nil for requests, which have a total time.
    var idleDeadline: ContinuousClock.Instant? {
        guard self.exchange.isStream, let timeout = self.exchange.request.timeout else { return nil }
        return self.lastActivity + timeout
    }

    var silence: TransportError {
        TransportError(.timedOut, "\(self.exchange.request) was silent for \(self.exchange.request.timeout ?? .zero)")
    }

    func result(_ code: CURLcode) -> Result<Void, TransportError> {
        guard code != CURLE_OK else { return .success(()) }
        let detail = self.errorText.pointee == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: self.errorText)
        let error = TransportError(
            code, request: self.exchange.request, detail: detail, nothingSent: egret_curl_request_bytes(self.easy) == 0)
        return .failure(error)
    }

    private static func onHeader(_ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?)
        -> Int
    {
        guard let data, let context else { return size * count }
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        transfer.lastActivity = .now
        let line = UnsafeRawBufferPointer(start: data, count: size * count)
        if let head = transfer.head.received(line: line) { transfer.exchange.received(head: head) }
        return size * count
    }

    private static func onUpload(
        _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
    ) -> Int {
        guard let buffer, let context else { return 0 }
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        guard let piece = transfer.exchange.request.body?.dropFirst(transfer.uploaded).prefix(size * count) else { return 0 }
        UnsafeMutableRawBufferPointer(start: buffer, count: size * count).copyBytes(from: piece)
        transfer.uploaded += piece.count
        return piece.count
    }

    private static func onBytes(_ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?) -> Int
    {
        guard let data, let context else { return size * count }
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        transfer.lastActivity = .now
        return switch transfer.exchange.received(UnsafeRawBufferPointer(start: data, count: size * count)) {
        case .taken: size * count
        case .pause: Int(CURL_WRITEFUNC_PAUSE)
        case .refuse: 0  // Anything but the count ends the transfer with CURLE_WRITE_ERROR.
        }
    }
}
