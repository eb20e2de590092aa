/// The last descriptors are not for connections: probes, scrapes, the config stream and a reload need some, and a proxy that
/// fails its probes is restarted, with all its connections.
///
/// The kernel gives out the lowest free number, so a number says how many are in use.
struct DescriptorLimits: Sendable {
    /// A client's socket has to be below.
    let clients: Int32
    /// An upstream socket has to be below: a client that was let in finds its way out.
    let upstreams: Int32

    /// - parameter limit: The process's limit of open files, or a negative number where that is unknown.
    init(_ limit: Int64) {
        let limit = limit > 0 ? Int32(clamping: limit) : .max
        let reserve = min(64, limit / 8)
        self.clients = limit - reserve
        self.upstreams = limit - reserve / 2
    }
}
