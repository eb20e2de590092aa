import CurlTransport

/// Our request under a name that Hummingbird's does not hide.
typealias CurlRequest = HTTPRequest
