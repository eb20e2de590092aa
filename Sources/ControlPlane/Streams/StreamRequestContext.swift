import Hummingbird
import NIOCore

/// Knows its connection: what is written to it by the megabyte has to wait for it.
struct StreamRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.channel = source.channel
    }
}
