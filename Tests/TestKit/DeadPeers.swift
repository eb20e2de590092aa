import Glibc

/// Makes a connected TCP socket deaf: the kernel drops every segment that comes for it, without an answer, as if the machine on
/// the other side of the wire had lost its power.
package func vanish(_ fd: Int32) {
    var program = SocketProgram.takeNothing
    let status = setsockopt(fd, SOL_SOCKET, SocketProgram.option, &program, socklen_t(MemoryLayout<SocketProgram>.size))
    precondition(status == 0, "SO_ATTACH_FILTER: \(String(cString: strerror(errno)))")
}

/// `struct sock_fprog`, for whoever has no descriptor but may set options.
package struct SocketProgram: @unchecked Sendable {
    private let length: UInt16
    /// Never changed and never freed, which makes it fine to share.
    private let instructions: UnsafeMutableRawPointer

    /// SO_ATTACH_FILTER.
    package static let option: Int32 = 26

    package static let takeNothing: SocketProgram = {
        // struct sock_filter {code, jt, jf, k}: BPF_RET | BPF_K with 0.
        let instruction = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)
        instruction.storeBytes(of: 0x06, as: UInt64.self)
        return SocketProgram(length: 1, instructions: instruction)
    }()
}

/// A port of 127.0.0.1 that leaves SYNs without an answer: a listener whose queue is full.
package final class SilentPort: Sendable {
    package let port: UInt16
    private let sockets: [Int32]

    package init() {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        var sockets = [listener]
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(listener, $0, size) == 0 && listen(listener, 0) == 0 && getsockname(listener, $0, &size) == 0)
                for _ in 0..<4 {
                    let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
                    _ = connect(filler, $0, size)
                    sockets.append(filler)
                }
            }
        }
        self.port = UInt16(bigEndian: address.sin_port)
        self.sockets = sockets
    }

    deinit { for socket in self.sockets { close(socket) } }
}
