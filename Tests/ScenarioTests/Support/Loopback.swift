/// Where the workloads' proxies take their applications' plaintext. Pods of the development cluster share one loopback: by
/// chance apart, test runs side by side on one machine don't meet.
enum Loopback {
    private static let block = "127.\(Int.random(in: 2...9)).\(Int.random(in: 0...255))"
    static let client = "\(Self.block).1"
    static let teller = "\(Self.block).2"
    /// Where an egress outside of the cluster listens.
    static let vm = "\(Self.block).3"
    /// Where the control plane of several zones listens, and that of a zone without Kubernetes.
    static let global = "\(Self.block).4"
    static let otherZone = "\(Self.block).5"
}
