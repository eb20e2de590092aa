import ConfigSync
import Logging
import NIOPosix

/// Writes what changed into the state folder, the newest only, on a thread of its own: a slow disk delays no configuration.
/// Nothing here ever stops the proxy.
final class StateKeeper: Sendable {
    private struct Wanted: Sendable {
        var config: ConfigText?
        var identities: [StateFolder.Identity]?
        var isEmpty: Bool { self.config == nil && self.identities == nil }
    }

    let folder: StateFolder
    private let wanted = Watched(Wanted())
    private let logger: Logger

    init(folder: StateFolder, logger: Logger) {
        self.folder = folder
        self.logger = logger
    }

    func keep(_ text: ConfigText) { self.wanted.update { $0.config = text } }

    func keep(_ identities: [StateFolder.Identity]) {
        guard self.folder.keepsKeys else { return }
        self.wanted.update { $0.identities = identities }
    }

    /// What an earlier process left. A file that cannot be used is named and passed over.
    func restore() -> (text: ConfigText?, identities: [StateFolder.Identity]) {
        var text: ConfigText?
        var identities: [StateFolder.Identity] = []
        do throws(StateFolder.Unusable) {
            try self.folder.prepare()
            text = try self.folder.config()
        } catch {
            self.refused(error)
        }
        do throws(StateFolder.Unusable) { identities = try self.folder.identities() } catch { self.refused(error) }
        return (text, identities)
    }

    private func refused(_ error: StateFolder.Unusable) {
        self.logger.warning(
            "Saved state is not used; starting without it", metadata: ["reason": "\(error)", "state.folder": "\(self.folder.path)"])
    }

    /// Until cancelled.
    func run() async {
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        var told: String?
        while await self.wanted.wait(atMost: nil, until: { !$0.isEmpty }) {
            let now = self.wanted.update { wanted in
                defer { wanted = Wanted() }
                return wanted
            }
            let folder = self.folder
            let problem: String?
            do {
                problem = try await thread.runIfActive {
                    do throws(StateFolder.Unusable) {
                        // Keys first: a configuration without its keys is of less use than the other way round.
                        if let identities = now.identities { try folder.save(identities) }
                        if let config = now.config { try folder.save(config) }
                        return String?.none
                    } catch {
                        return error.description
                    }
                }
            } catch {
                break
            }
            if let problem, problem != told {
                self.logger.warning(
                    "State cannot be saved; after a restart this proxy needs its control plane",
                    metadata: ["reason": "\(problem)", "state.folder": "\(folder.path)"])
            }
            told = problem
        }
        try? await thread.shutdownGracefully()
    }
}
