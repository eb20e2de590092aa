/// HTTP over libcurl: requests go in as values, answers come out as values.
///
/// One thread drives one `curl_multi` handle for ordinary requests; streams have a thread and connections of their own.
package final class CurlTransport: Sendable {
    package init() {}

    /// The whole answer, whatever its status.
    package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse { fatalError("follows") }

    /// The head of the answer as soon as it is there; the body follows.
    package func stream(_ request: HTTPRequest) async throws(TransportError) -> HTTPStream { fatalError("follows") }
}
