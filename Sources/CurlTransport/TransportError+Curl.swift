internal import CCurl

extension TransportError {
    init(_ code: CURLcode, request: HTTPRequest, detail: String, nothingSent: Bool) {
        let sentence = "\(request) failed: \(detail)"
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self.init(.nameNotResolved, sentence, isSafeToRepeat: true)
        case CURLE_COULDNT_CONNECT: self.init(.connectFailed, sentence, isSafeToRepeat: true)
        case CURLE_PROXY: self.init(.connectFailed, sentence, isSafeToRepeat: true)
        case CURLE_PEER_FAILED_VERIFICATION: self.init(.untrustedServer, sentence, isSafeToRepeat: true)
        case CURLE_SSL_CACERT_BADFILE:
            self.init(.badRequest, "\(request): the CA bundle holds no usable PEM certificate", isSafeToRepeat: true)
        case CURLE_SSL_CERTPROBLEM:
            self.init(.badRequest, "\(request): the client certificate or its key is not usable: \(detail)", isSafeToRepeat: true)
        case CURLE_SSL_CONNECT_ERROR, CURLE_USE_SSL_FAILED, CURLE_SSL_CIPHER: self.init(.tlsFailed, sentence, isSafeToRepeat: true)
        case CURLE_OPERATION_TIMEDOUT: self.init(.timedOut, sentence, isSafeToRepeat: nothingSent)
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_FUNCTION_ARGUMENT:
            self.init(.badRequest, sentence, isSafeToRepeat: true)
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM,
            CURLE_WEIRD_SERVER_REPLY:
            self.init(.connectionLost, sentence, isSafeToRepeat: nothingSent)
        case CURLE_SEND_FAIL_REWIND:
            // The connection died and libcurl may not send this body again.
            self.init(.connectionLost, "\(request) failed: the connection ended before an answer came", isSafeToRepeat: false)
        default: self.init(.failed, sentence, isSafeToRepeat: nothingSent)
        }
    }
}
