import Glibc

/// One of a numbered set of things that programs of this machine take for themselves, such as blocks of addresses.
///
/// The claim is an abstract socket's name. The kernel gives it up with the process, however that ends.
package enum MachineShare {
    /// The first number of `range` that no other process has under this name, and no earlier call of this one; nil when all
    /// are taken. Held from now on: the socket is never closed.
    package static func take(_ name: String, of range: Range<Int>) -> Int? {
        range.first { self.claim("\(name)-\($0)") }
    }

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
