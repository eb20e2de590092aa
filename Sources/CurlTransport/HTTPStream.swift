/// An answer whose body is still arriving.
package struct HTTPStream: Sendable {
    package let status: Int
    package let headers: HTTPHeaders
    /// May be iterated once. Letting go of it ends the transfer.
    package let body: HTTPBody
}

/// The chunks of a body as they come. Reading slowly slows the server down; letting go of it, or cancelling the task that
/// reads, ends the transfer.
package struct HTTPBody: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = TransportError

    /// Ends the transfer with the last reference. Keeps the transport alive until then.
    final class Handle: Sendable {
        let exchange: Exchange
        let transport: CurlTransport

        init(_ exchange: Exchange, _ transport: CurlTransport) {
            self.exchange = exchange
            self.transport = transport
        }

        deinit { self.exchange.cancel() }
    }

    let handle: Handle

    package struct AsyncIterator: AsyncIteratorProtocol {
        let handle: Handle

        package mutating func next() async throws(TransportError) -> [UInt8]? { try await self.handle.exchange.nextChunk() }

        package mutating func next(isolation actor: isolated (any Actor)?) async throws(TransportError) -> [UInt8]? {
            try await self.handle.exchange.nextChunk()
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(handle: self.handle) }
}
