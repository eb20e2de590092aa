/// HTTP over libcurl: requests go in as values, answers come out as values. Errors are values too.
///
/// Ordinary requests share connections (HTTP/2 multiplexed). Streams have connections of their own, so that a long
/// watch that the server throttles or a slow reader holds back never delays a write. Each of the two lanes is one thread
/// that drives one `curl_multi` handle; a lane that is never used costs nothing.
package final class CurlTransport: Sendable {
    private let requests = CurlLoop(name: "curl-requests")
    private let streams = CurlLoop(name: "curl-streams")

    package init() {}

    deinit { self.shutDown() }

    /// Ends every transfer with `.closed`. The transport is of no use afterwards.
    package func shutDown() {
        self.requests.stop()
        self.streams.stop()
    }

    /// The whole answer, whatever its status.
    package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        let exchange = Exchange(request, isStream: false, loop: self.requests)
        self.requests.start(exchange)
        return try await exchange.whole()
    }

    /// The head of the answer as soon as it is there; the body follows.
    package func stream(_ request: HTTPRequest) async throws(TransportError) -> HTTPStream {
        let exchange = Exchange(request, isStream: true, loop: self.streams)
        self.streams.start(exchange)
        let head = try await exchange.head()
        return HTTPStream(status: head.status, headers: head.headers, body: HTTPBody(handle: .init(exchange, self)))
    }
}
