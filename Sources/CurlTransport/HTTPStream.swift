/// An answer whose body is still arriving.
package struct HTTPStream: Sendable {
    package let status: Int
    package let headers: HTTPHeaders
    /// May be iterated once. Letting go of it ends the transfer.
    package let body: HTTPBody
}

/// The chunks of a body as they come. Reading slowly slows the server down; stopping to read, or cancelling the task,
/// ends the transfer.
package struct HTTPBody: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = TransportError

    package struct AsyncIterator: AsyncIteratorProtocol {
        package mutating func next() async throws(TransportError) -> [UInt8]? { fatalError("follows") }
        package mutating func next(isolation actor: isolated (any Actor)?) async throws(TransportError) -> [UInt8]? {
            fatalError("follows")
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}
