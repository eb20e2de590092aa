import Glibc

/// One cluster's share of the loopback addresses, so that several run side by side on a machine: pods in 127.10.0.0/16 and
/// Services in 127.100.0.0/16, or the next such pair that no other cluster has.
///
/// The claim is an abstract socket's name. The kernel gives it up with the process, however that ends.
struct AddressClaim {
    let pods: String
    /// The API's own ClusterIP.
    let serviceAddress: String

    private static let shares = 0..<80

    struct NoneFree: Error, CustomStringConvertible {
        let description = "80 development clusters run on this machine already; stop one (ps -C egret-devcluster)"
    }

    static func take() throws(NoneFree) -> AddressClaim {
        guard let share = self.shares.first(where: { self.claim("egret-devcluster-\($0)") }) else { throw NoneFree() }
        return AddressClaim(pods: "127.\(10 + share).0.0/16", serviceAddress: "127.\(100 + share).0.1")
    }

    /// Held from now on: the socket is never closed.
    private static func claim(_ name: String) -> Bool {
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return false }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A first byte of zero makes the name abstract.
        let path = [UInt8(0)] + Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path)! + path.count)
        let status = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) }
        }
        if status != 0 { close(socket) }
        return status == 0
    }
}
