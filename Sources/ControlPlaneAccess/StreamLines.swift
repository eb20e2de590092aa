package import ConfigSync
package import CurlTransport

/// The messages of one stream, as they come.
package struct StreamLines {
    private var chunks: HTTPBody.AsyncIterator
    private var framer = LineFramer()
    private var ready: ArraySlice<[UInt8]> = []

    package init(_ body: HTTPBody) { self.chunks = body.makeAsyncIterator() }

    package mutating func next(_ assembler: inout ConfigAssembler) async -> SessionMachine.Input {
        do {
            while true {
                while let line = self.ready.popFirst() {
                    if let message = try assembler.received(line) { return .received(message) }
                }
                guard let chunk = try await self.chunks.next() else { return .ended }
                self.ready = try self.framer.received(chunk)[...]
            }
        } catch let error as TransportError {
            return error.code == .timedOut ? .silent : .failed(error.message)
        } catch let error as InvalidMessage {
            return .nonsense(error.description)
        } catch {
            return .nonsense("\(error)")
        }
    }
}
