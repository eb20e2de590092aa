import Glibc
import NIOCore
import NIOPosix
import Subprocess

/// Makes sure that programs can listen on the pods' addresses.
///
/// All of 127.0.0.0/8 is ours without privileges. A real API server accepts no loopback address in an EndpointSlice,
/// though, so with one the pods live in another block, which the kernel must be told to be local.
enum LoopbackRoute {
    struct Unusable: Error, CustomStringConvertible {
        let block: AddressBlock
        let reason: String
        var description: String {
            "pods cannot have addresses in \(self.block) (\(self.reason)); as root run: ip route add local \(self.block) dev lo"
        }
    }

    static func prepare(_ block: AddressBlock) async throws {
        if await self.canListen(block) { return }
        let added = try? await Subprocess.run(
            .name("ip"), arguments: ["route", "add", "local", block.description, "dev", "lo"], output: .discarded, error: .discarded)
        guard await self.canListen(block) else {
            throw Unusable(block: block, reason: added == nil ? "the ip program is missing" : "this user may not add the route")
        }
    }

    private static func canListen(_ block: AddressBlock) async -> Bool {
        let address = IPv4Text.format(block.hosts.lowerBound)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        guard let channel = try? await bootstrap.bind(host: address, port: 0).get() else { return false }
        try? await channel.close()
        return true
    }
}
