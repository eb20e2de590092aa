import DevNode

/// One cluster's share of the loopback addresses, so that several run side by side on a machine: pods in 127.10.0.0/16 and
/// Services in 127.100.0.0/16, or the next such pair that no other cluster has.
struct AddressClaim {
    let pods: String
    /// The API's own ClusterIP.
    let serviceAddress: String

    struct NoneFree: Error, CustomStringConvertible {
        let description = "80 development clusters run on this machine already; stop one (ps -C egret-devcluster)"
    }

    static func take() throws(NoneFree) -> AddressClaim {
        guard let share = MachineShare.take("egret-devcluster", of: 0..<80) else { throw NoneFree() }
        return AddressClaim(pods: "127.\(10 + share).0.0/16", serviceAddress: "127.\(100 + share).0.1")
    }
}
