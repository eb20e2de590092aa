import CCares
import CLinux
import Routing

/// c-ares on one epoll set. All of it happens on the thread that owns it.
final class DNSChannel {
    typealias Replied = (Question.Reply) -> Void

    private var channel: ares_channel?
    /// Why there is no channel.
    private let problem: String?
    private(set) var searchList = SearchList()
    private let sockets: Sockets

    /// What c-ares is told to call when it opens and closes sockets.
    private final class Sockets {
        let epoll: Int32
        var polled: Set<Int32> = []
        init(epoll: Int32) { self.epoll = epoll }

        func changed(_ fd: Int32, readable: Bool, writable: Bool) {
            let events = (readable ? CL_EPOLLIN : 0) | (writable ? CL_EPOLLOUT : 0)
            if events == 0 {
                if self.polled.remove(fd) != nil { _ = cl_epoll_remove(self.epoll, fd) }
            } else if self.polled.insert(fd).inserted {
                _ = cl_epoll_add(self.epoll, fd, events, UInt64(UInt32(bitPattern: fd)))
            } else {
                _ = cl_epoll_modify(self.epoll, fd, events, UInt64(UInt32(bitPattern: fd)))
            }
        }
    }

    private final class Asked {
        let family: Question.Family
        let replied: Replied
        init(_ family: Question.Family, _ replied: @escaping Replied) {
            self.family = family
            self.replied = replied
        }
    }

    /// - parameter epoll: Gets this channel's descriptors, each with itself as data.
    init(_ policy: ResolverPolicy, epoll: Int32) {
        self.sockets = Sockets(epoll: epoll)
        var channel: ares_channel?
        let status = egret_ares_open(
            &channel, policy.resolvConf, policy.port, Int32(clamping: policy.timeout.inNanoseconds / 1_000_000), Int32(policy.tries),
            { context, fd, readable, writable in
                Unmanaged<Sockets>.fromOpaque(context!).takeUnretainedValue().changed(fd, readable: readable != 0, writable: writable != 0)
            }, Unmanaged.passUnretained(self.sockets).toOpaque())
        guard status == ARES_SUCCESS, let channel else {
            self.problem = "\(policy.resolvConf) can't be used: \(String(cString: ares_strerror(status)))"
            return
        }
        self.problem = nil
        self.channel = channel
        let list = Box(SearchList())
        let ndots = egret_ares_search_list(
            channel,
            { context, name in Unmanaged<Box>.fromOpaque(context!).takeUnretainedValue().list.domains.append(String(cString: name!)) },
            Unmanaged.passUnretained(list).toOpaque())
        self.searchList = list.list
        if ndots >= 0 { self.searchList.ndots = Int(ndots) }
    }

    private final class Box {
        var list: SearchList
        init(_ list: SearchList) { self.list = list }
    }

    deinit { self.close() }

    /// Questions under way are answered `.failed`, before this returns.
    func close() {
        guard let channel else { return }
        self.channel = nil
        ares_destroy(channel)
    }

    /// `replied` is called once, perhaps before this returns.
    func ask(_ name: String, _ family: Question.Family, _ replied: @escaping Replied) {
        guard let channel else {
            replied(.failed(self.problem ?? "no DNS"))
            return
        }
        let asked = Unmanaged.passRetained(Asked(family, replied))
        let type = family == .ipv4 ? EGRET_ARES_A : EGRET_ARES_AAAA
        egret_ares_ask(
            channel, name, Int32(type),
            { context, status, _, bytes, length in
                let asked = Unmanaged<Asked>.fromOpaque(context!).takeRetainedValue()
                asked.replied(DNSChannel.reply(status, bytes, length, asked.family))
            }, asked.toOpaque())
    }

    /// Milliseconds until `work` is due without an event; -1: nothing is under way.
    var timeout: Int32 { self.channel.map { Int32(clamping: egret_ares_timeout_ms($0)) } ?? -1 }

    /// - parameter fd: Of an event, or -1 to look at the clock.
    func work(_ fd: Int32 = -1, readable: Bool = false, writable: Bool = false) {
        guard let channel else { return }
        egret_ares_work(channel, readable ? fd : -1, writable ? fd : -1)
    }

    private static func reply(
        _ status: Int32, _ bytes: UnsafePointer<UInt8>?, _ length: Int32, _ family: Question.Family
    ) -> Question.Reply {
        var status = status
        var addresses: [IPEndpoint] = []
        var ttl: Int32 = 0
        if status == ARES_SUCCESS, let bytes {
            (addresses, ttl, status) = family == .ipv4 ? self.parseA(bytes, length) : self.parseAAAA(bytes, length)
        }
        switch status {
        case ARES_SUCCESS where !addresses.isEmpty: return .addresses(addresses, ttl: .seconds(max(0, Int(ttl))))
        case ARES_SUCCESS, ARES_ENODATA, ARES_ENOTFOUND: return .none
        case ARES_ETIMEOUT: return .silent
        case ARES_ECONNREFUSED: return .failed("no DNS server gave a usable answer")
        default: return .failed("DNS: \(String(cString: ares_strerror(status)))")
        }
    }

    private static let most = 32

    private static func parseA(_ bytes: UnsafePointer<UInt8>, _ length: Int32) -> ([IPEndpoint], Int32, Int32) {
        var count = Int32(Self.most)
        var ttl: Int32 = 0
        var words = [UInt32](repeating: 0, count: Self.most)
        let status = egret_ares_parse_a(bytes, length, &words, &count, &ttl)
        return (words.prefix(Int(count)).map { IPEndpoint(ipv4: $0) }, ttl, status)
    }

    private static func parseAAAA(_ bytes: UnsafePointer<UInt8>, _ length: Int32) -> ([IPEndpoint], Int32, Int32) {
        var count = Int32(Self.most)
        var ttl: Int32 = 0
        return withUnsafeTemporaryAllocation(byteCount: Self.most * 16, alignment: 16) { memory in
            let status = egret_ares_parse_aaaa(bytes, length, memory.baseAddress!.assumingMemoryBound(to: UInt8.self), &count, &ttl)
            return ((0..<Int(count)).map { IPEndpoint(ipv6: memory.baseAddress! + $0 * 16) }, ttl, status)
        }
    }
}
