package import Glibc

/// An IP address and a TCP port, in 24 bytes without references, as the workers keep one per connection.
package struct IPEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// The address in network order, as read from memory; an IPv4 address fills the first four bytes of `high`.
    @usableFromInline var high: UInt64
    @usableFromInline var low: UInt64
    @usableFromInline var scope: UInt32
    package var port: UInt16
    package var isIPv6: Bool

    /// From an address literal; nil if `address` is anything else, such as a host name.
    package init?(address: String, port: UInt16) {
        var four = in_addr()
        var six = in6_addr()
        self.init()
        self.port = port
        if inet_pton(AF_INET, address, &four) == 1 {
            self.high = UInt64(four.s_addr)
        } else if inet_pton(AF_INET6, address, &six) == 1 {
            self.isIPv6 = true
            withUnsafeBytes(of: six) {
                self.high = $0.loadUnaligned(as: UInt64.self)
                self.low = $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            }
        } else {
            return nil
        }
    }

    package init() {
        self.high = 0
        self.low = 0
        self.scope = 0
        self.port = 0
        self.isIPv6 = false
    }

    /// Of port 0. `ipv4` as it lies in memory, in network order.
    package init(ipv4: UInt32) {
        self.init()
        self.high = UInt64(ipv4)
    }

    /// Of port 0, from the address's 16 bytes.
    package init(ipv6 bytes: UnsafeRawPointer) {
        self.init()
        self.isIPv6 = true
        self.high = bytes.loadUnaligned(as: UInt64.self)
        self.low = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    }

    package init(_ storage: sockaddr_storage) {
        self.init()
        withUnsafeBytes(of: storage) { bytes in
            if Int32(storage.ss_family) == AF_INET6 {
                let address = bytes.loadUnaligned(as: sockaddr_in6.self)
                self.isIPv6 = true
                self.port = UInt16(bigEndian: address.sin6_port)
                self.scope = address.sin6_scope_id
                withUnsafeBytes(of: address.sin6_addr) {
                    self.high = $0.loadUnaligned(as: UInt64.self)
                    self.low = $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                }
            } else {
                let address = bytes.loadUnaligned(as: sockaddr_in.self)
                self.port = UInt16(bigEndian: address.sin_port)
                self.high = UInt64(address.sin_addr.s_addr)
            }
        }
    }

    /// The address as read from memory, in network order; an IPv4 address is the first four bytes of `high`.
    package var words: (high: UInt64, low: UInt64) { (self.high, self.low) }

    /// `0.0.0.0` or `::`.
    package var isUnspecified: Bool { self.high == 0 && self.low == 0 }

    package var family: Int32 { self.isIPv6 ? AF_INET6 : AF_INET }

    /// The form that system calls want.
    @inlinable
    package func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        if self.isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = self.port.bigEndian
            address.sin6_scope_id = self.scope
            withUnsafeMutableBytes(of: &address.sin6_addr) {
                $0.storeBytes(of: self.high, as: UInt64.self)
                $0.storeBytes(of: self.low, toByteOffset: 8, as: UInt64.self)
            }
            return withUnsafeBytes(of: &address) {
                body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
            }
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = self.port.bigEndian
            address.sin_addr.s_addr = in_addr_t(truncatingIfNeeded: self.high)
            return withUnsafeBytes(of: &address) {
                body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
            }
        }
    }

    /// The address's 4 or 16 bytes in network order.
    package var addressBytes: [UInt8] {
        let words = self.isIPv6 ? [self.high, self.low] : [self.high]
        return words.withUnsafeBytes { Array($0.prefix(self.isIPv6 ? 16 : 4)) }
    }

    /// The address alone, without brackets or port.
    package var address: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if self.isIPv6 {
            var words = (self.high, self.low)
            inet_ntop(AF_INET6, &words, &text, socklen_t(text.count))
        } else {
            var word = UInt32(truncatingIfNeeded: self.high)
            inet_ntop(AF_INET, &word, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// `127.0.0.1:80`, `[::1]:80`.
    package var description: String { self.isIPv6 ? "[\(self.address)]:\(self.port)" : "\(self.address):\(self.port)" }
}
