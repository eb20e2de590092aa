internal import CCurl

/// Writes a request into an easy handle. The first failure is kept; later settings then no longer matter.
struct CurlOptions {
    let easy: UnsafeMutableRawPointer
    /// Owned by whoever owns the handle.
    private(set) var lists: [UnsafeMutablePointer<curl_slist>] = []
    private(set) var failure: TransportError?

    init(easy: UnsafeMutableRawPointer) { self.easy = easy }

    mutating func set(_ request: HTTPRequest, isStream: Bool) {
        self.setBasics(isStream: isStream)
        self.setTimes(request, isStream: isStream)
        self.setMethod(request)
        var headers = request.headers
        self.setAddress(request, &headers)
        self.setHeaders(headers)
        self.set(request.tls)
        self.set(request.proxy, for: request.url)
    }

    private mutating func setBasics(isStream: Bool) {
        self.set(CURLOPT_NOSIGNAL, 1)
        self.set(CURLOPT_PROTOCOLS_STR, "http,https")
        self.set(CURLOPT_FOLLOWLOCATION, 0)
        self.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        // Rather wait for a connection that may be multiplexed than open a second one.
        self.set(CURLOPT_PIPEWAIT, 1)
        self.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        self.set(CURLOPT_BUFFERSIZE, isStream ? 16 << 10 : 64 << 10)
    }

    private mutating func setTimes(_ request: HTTPRequest, isStream: Bool) {
        self.set(CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, request.connectTimeout.wholeMilliseconds)))
        if !isStream, let timeout = request.timeout { self.set(CURLOPT_TIMEOUT_MS, Int(max(1, timeout.wholeMilliseconds))) }
        self.set(CURLOPT_TCP_KEEPALIVE, 1)
        self.set(CURLOPT_TCP_KEEPIDLE, 15)
        self.set(CURLOPT_TCP_KEEPINTVL, 5)
        self.check(egret_curl_set_user_timeout(self.easy))
    }

    private mutating func setMethod(_ request: HTTPRequest) {
        if let body = request.body, request.isIdempotent || body.isEmpty {
            let code = body.withUnsafeBytes { bytes in
                // An empty buffer may have no address, which curl would take for "no body".
                bytes.isEmpty ? egret_curl_set_body(self.easy, "", 0) : egret_curl_set_body(self.easy, bytes.baseAddress, bytes.count)
            }
            self.check(code)
        } else if request.body != nil {
            // The transfer hands the body over as it is sent.
        } else if request.method == "HEAD" {
            self.set(CURLOPT_NOBODY, 1)
        } else {
            self.set(CURLOPT_HTTPGET, 1)
        }
        if request.method != "HEAD" { self.set(CURLOPT_CUSTOMREQUEST, request.method) }
    }

    /// Another TLS name than the URL's host: curl takes the name from the URL, so the URL gets that name, the connection
    /// goes to the real host all the same, and `Host` stays what the server expects.
    private mutating func setAddress(_ request: HTTPRequest, _ headers: inout [HTTPHeader]) {
        guard let name = request.tls.serverName, !name.isEmpty else { return self.set(CURLOPT_URL, request.url) }
        guard let url = SplitURL(request.url) else {
            return self.fail(TransportError(.badRequest, "\(request): the URL has no scheme and host", isSafeToRepeat: true))
        }
        self.set(CURLOPT_URL, "\(url.scheme)://\(name):\(url.port)\(url.rest)")
        self.setList(CURLOPT_CONNECT_TO, ["\(name):\(url.port):\(url.host):\(url.port)"])
        if !headers.contains(where: { $0.name.lowercased() == "host" }) { headers.append(HTTPHeader("Host", url.authority)) }
    }

    private mutating func setHeaders(_ headers: [HTTPHeader]) {
        var lines: [String] = []
        for header in headers {
            guard !(header.name + header.value).utf8.contains(where: { $0 == 0x0d || $0 == 0x0a || $0 == 0 }), !header.name.isEmpty else {
                let problem = "the value of header \"\(header.name.filter { $0.isLetter || $0 == "-" })\" contains a line break"
                return self.fail(TransportError(.badRequest, problem, isSafeToRepeat: true))
            }
            // `Name;` is curl's spelling of a header without a value.
            lines.append(header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)")
        }
        let names = Set(headers.map { $0.name.lowercased() })
        // Headers curl would make up: a wrong content type, and a round trip before larger bodies.
        if !names.contains("content-type") { lines.append("Content-Type:") }
        lines.append("Expect:")
        self.setList(CURLOPT_HTTPHEADER, lines)
    }

    private mutating func set(_ tls: TLSSettings) {
        self.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        self.set(CURLOPT_SSL_VERIFYPEER, tls.insecureSkipVerify ? 0 : 1)
        self.set(CURLOPT_SSL_VERIFYHOST, tls.insecureSkipVerify || tls.skipsName ? 0 : 2)
        if let ca = tls.ca {
            self.setBlob(CURLOPT_CAINFO_BLOB, ca)
            // Without this the system's directory of roots would be trusted as well.
            self.check(egret_curl_set_string(self.easy, CURLOPT_CAPATH, nil))
        }
        if let certificate = tls.clientCertificate { self.setBlob(CURLOPT_SSLCERT_BLOB, certificate) }
        if let key = tls.clientKey { self.setBlob(CURLOPT_SSLKEY_BLOB, key) }
    }

    private mutating func set(_ proxy: ProxyChoice, for url: String) {
        switch proxy {
        case .environment:
            // No proxy can reach this machine's own addresses for us, and few environments bother to say so.
            if SplitURL(url)?.isLoopback == true { self.set(CURLOPT_NOPROXY, "*") }
        case .none: self.set(CURLOPT_NOPROXY, "*")
        case .url(let url):
            self.set(CURLOPT_PROXY, url)
            // Named for this request: the environment's exceptions are about the environment's proxy.
            self.set(CURLOPT_NOPROXY, "")
        }
    }
}

extension CurlOptions {
    mutating func check(_ code: CURLcode) {
        guard code != CURLE_OK else { return }
        self.fail(TransportError(.failed, "libcurl refused a setting: \(String(cString: curl_easy_strerror(code)))", isSafeToRepeat: true))
    }

    private mutating func fail(_ error: TransportError) { if self.failure == nil { self.failure = error } }

    private mutating func set(_ option: CURLoption, _ value: Int) { self.check(egret_curl_set_long(self.easy, option, value)) }

    private mutating func set(_ option: CURLoption, _ value: String) { self.check(egret_curl_set_string(self.easy, option, value)) }

    private mutating func setBlob(_ option: CURLoption, _ text: String) {
        var text = text
        self.check(text.withUTF8 { egret_curl_set_blob(self.easy, option, $0.baseAddress, $0.count) })
    }

    private mutating func setList(_ option: CURLoption, _ lines: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = curl_slist_append(list, line) else { continue }
            list = longer
        }
        guard let list else { return }
        self.lists.append(list)
        self.check(egret_curl_set_list(self.easy, option, list))
    }
}
