import Routing
import StaticConfig

/// A file is read or refused with sentences, the same way each time, and what was read can be served.
func fuzzConfig(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let config = read(text) else {
        precondition(read(text) == nil)
        return
    }
    precondition(read(text) == config, "not the same again")
    for error in config.errors { precondition(!error.item.isEmpty && !error.message.isEmpty) }
    _ = CompiledConfig(config.config)
}

private func read(_ text: String) -> StaticConfig? {
    do throws(InvalidStaticConfig) {
        return try StaticConfig.read(text, path: "/etc/egret/proxy.yaml") { path in
            path.hasSuffix("missing")
                ? .unreadable("does not exist") : .text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        }
    } catch {
        precondition(!error.problems.isEmpty && error.problems.allSatisfy { !$0.isEmpty }, "refused without a word")
        return nil
    }
}
