import FoundationEssentials
import Logging
import Routing
import StaticConfig

/// Follows a static file: applies it at start, when it or a file it names changes, and when asked to.
struct StaticSource: Sendable {
    let loader: StaticFileLoader
    let first: StaticFileLoader.Loaded
    let applier: ConfigApplier
    let identities: StaticIdentities
    let logger: Logger
    /// How often the files are looked at. Looking works where notifications do not: for links on the way, for files that are
    /// not there yet, on any file system.
    var interval = Duration.seconds(1)
    /// Files that are still being written get this long until they look the same twice.
    var settling = Duration.milliseconds(50)

    /// Until cancelled.
    /// - Parameter requests: counts the times somebody asked for a reload (SIGHUP).
    func run(requests: Watched<Int>) async {
        var loader = self.loader
        var served = self.first
        var seen = 0
        await self.apply(served)
        while !Task.isCancelled {
            let before = seen
            let isAsked = await requests.wait(atMost: self.interval) { $0 != before }
            seen = requests.value
            if Task.isCancelled { return }
            guard isAsked || loader.hasChanged else { continue }
            await self.settle(loader)
            do throws(UnusableFile) {
                let loaded = try loader.load(previous: served.config)
                // Written anew with the same content.
                if loaded.config == served.config && loaded.digest == served.digest && self.applier.refusal == nil {
                    if isAsked { self.logger.info("Configuration read again; nothing has changed", metadata: self.facts) }
                    continue
                }
                self.warnOfSettings(loaded.config.settings)
                served = loaded
                await self.apply(loaded)
            } catch {
                self.applier.refused(error.problems)
            }
        }
    }

    private var facts: Logger.Metadata { ["config.file": "\(self.loader.path)"] }

    private func settle(_ loader: StaticFileLoader) async {
        var look = loader.look
        for _ in 0..<20 {
            do { try await Task.sleep(for: self.settling) } catch { return }
            let now = loader.look
            if now == look { return }
            look = now
        }
    }

    private func warnOfSettings(_ settings: StaticSettings) {
        guard settings != self.first.config.settings else { return }
        // `docs/static-config.md` names them.
        self.logger.warning(
            "Settings that are read at start have changed in the file; they count when the proxy starts anew", metadata: self.facts)
    }

    private func apply(_ loaded: StaticFileLoader.Loaded) async {
        var config = loaded.config.config
        let (requests, errors) = self.identities.present(loaded.config.identities)
        config.identities = requests
        await self.applier.apply(config, hash: loaded.digest, errors: loaded.config.errors + errors)
    }
}
