/// What reads bytes of strangers, or of people in a hurry. `hack/fuzz` drives these by libFuzzer; the tests replay what it found.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case hello, routing, config, proxy

    /// Traps when the code under test does, or when it breaks one of its promises.
    package func run(_ bytes: [UInt8]) {
        switch self {
        case .hello: fuzzHello(bytes)
        case .routing: fuzzRouting(bytes)
        case .config: fuzzConfig(bytes)
        case .proxy: fuzzProxyHeader(bytes)
        }
    }
}
