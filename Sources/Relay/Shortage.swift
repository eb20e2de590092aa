import CLinux
import Glibc
package import Routing

/// Too little of what this machine gives out.
package enum Shortage {
    /// Whether a failed connect tells of a shortage of ours, and nothing of the endpoint.
    ///
    /// EADDRNOTAVAIL has two causes: every port towards this address is taken, or this machine has no address to reach it from
    /// (of IPv6, usually). A datagram socket, which has ports of its own, tells which.
    package static func isBehind(_ error: Int32, _ address: IPEndpoint) -> Bool {
        switch error {
        case ENOBUFS, ENOMEM, EAGAIN: true
        case EADDRNOTAVAIL: address.withSocketAddress { cl_has_source_address($0, $1) }
        default: false
        }
    }
}
