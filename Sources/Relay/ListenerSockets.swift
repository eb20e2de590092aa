import CLinux
import Glibc
import Routing

/// What makes a listener's sockets the same across configurations. Port 0 means a port of its own for each listener, so
/// there the name belongs to it.
struct ListenerKey: Hashable, Sendable {
    var address: String
    var port: UInt16
    var name: String?

    init(_ listener: CompiledListener) {
        self.address = listener.address
        self.port = listener.port
        self.name = listener.port == 0 ? listener.name : nil
    }
}

/// The bound sockets of one address, one per worker (SO_REUSEPORT).
struct ListenerSockets: Sendable {
    let address: IPEndpoint
    let descriptors: [Int32]

    static let backlog: Int32 = 4096

    /// Binds without the option first: with it, a second process on the same address would quietly get half of the connections.
    static func bind(_ listener: CompiledListener, workers: Int, options: RelayOptions) throws(ItemError) -> ListenerSockets {
        let item = "listener \(listener.name)"
        guard let wanted = IPEndpoint(address: listener.address, port: listener.port) else {
            throw ItemError(item: item, message: "\"\(listener.address)\" is no IP address; a listener binds an address literal.")
        }
        guard options.bindsUnspecified || !wanted.isUnspecified else {
            throw ItemError(item: item, message: "\(wanted.address) would listen on every interface; give the proxy's own address.")
        }
        let probe = try Self.socket(wanted, item, options, reusePort: false)
        let address = Self.localAddress(probe) ?? wanted
        // On port 0 the probe's port is free once it is closed, for us as for anybody: the next bind says so if not.
        _ = cl_close(probe)

        var descriptors: [Int32] = []
        do throws(ItemError) {
            for _ in 0..<workers {
                let fd = try Self.socket(address, item, options, reusePort: true)
                descriptors.append(fd)
                let status = cl_listen(fd, Self.backlog)
                if status != 0 { throw Self.error(item, "listen on", address, status) }
            }
        } catch {
            for fd in descriptors { _ = cl_close(fd) }
            throw error
        }
        return ListenerSockets(address: address, descriptors: descriptors)
    }

    /// A bound socket. What is set on a listener its accepted sockets inherit, which saves those system calls per connection.
    private static func socket(
        _ address: IPEndpoint, _ item: String, _ options: RelayOptions, reusePort: Bool
    ) throws(ItemError) -> Int32 {
        let fd = cl_tcp_socket(address.family)
        guard fd >= 0 else { throw Self.error(item, "make a socket for", address, fd) }
        // So that connections of a former process in TIME_WAIT are no obstacle.
        _ = cl_set_reuse_address(fd)
        if reusePort { _ = cl_set_reuse_port(fd) }
        if address.isIPv6 { _ = cl_set_v6_only(fd) }
        _ = cl_set_no_delay(fd)
        let seconds = Int32(clamping: max(1, options.keepAliveInterval.components.seconds))
        _ = cl_set_keepalive(fd, seconds, max(1, seconds / 3), UInt32(clamping: options.peerTimeout.nanoseconds / 1_000_000))
        let status = address.withSocketAddress { cl_bind(fd, $0, $1) }
        guard status == 0 else {
            _ = cl_close(fd)
            throw Self.error(item, "bind", address, status)
        }
        return fd
    }

    private static func localAddress(_ fd: Int32) -> IPEndpoint? {
        var storage = sockaddr_storage()
        return cl_local_address(fd, &storage) == 0 ? IPEndpoint(storage) : nil
    }

    private static func error(_ item: String, _ what: String, _ address: IPEndpoint, _ status: Int32) -> ItemError {
        let hint =
            switch -status {
            case EADDRINUSE: "; another process listens there, stop it or choose another port"
            case EADDRNOTAVAIL: "; no interface of this machine has the address"
            case EACCES: "; ports below 1024 need a privilege"
            default: ""
            }
        return ItemError(item: item, message: "Can't \(what) \(address): \(SystemError.text(-status))\(hint).")
    }
}

/// What the system calls an error number.
enum SystemError {
    static func text(_ number: Int32) -> String {
        // glibc's own is per thread.
        String(cString: strerror(number))
    }
}
