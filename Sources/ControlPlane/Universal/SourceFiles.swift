import FoundationEssentials
import Glibc
import JSONModel
import KubeAPI
import Planning
import ServiceLifecycle
package import Store
import Synchronization

/// Files of this machine that resources name: those of provided authorities, and of external services' TLS. They are read with
/// every plan, and looked at every two seconds for whether they have changed.
///
/// What is read for a service goes to egresses, and whoever may write services chooses the path. So they are read from one
/// folder only, which whoever runs the control plane names and fills for this; without a folder none is.
package final class SourceFiles: Service {
    private struct Stamp: Equatable {
        var modified: Date?
        var size: UInt64?
        var number: UInt64?

        /// All nil for a file that is not there. Of a link, what it leads to now.
        init(_ path: String) {
            let attributes = SourceFiles.resolved(path).flatMap { try? FileManager.default.attributesOfItem(atPath: $0) }
            self.modified = attributes?[.modificationDate] as? Date
            self.size = attributes?[.size] as? UInt64
            self.number = attributes?[.systemFileNumber] as? UInt64
        }
    }

    private static let period = Duration.seconds(2)

    private let stamps = Mutex<[String: Stamp]>([:])
    private let store: ResourceStore
    private let serviceFolder: String?

    private static let maxBytes = 1 << 20

    /// - Parameter serviceFolder: what external services may name files of.
    package init(_ store: ResourceStore, serviceFolder: String? = nil) {
        self.store = store
        self.serviceFolder = serviceFolder
    }

    /// Nil where it cannot be read.
    func text(_ path: String) -> String? {
        // The stamp first: what changes in between is seen by the next look.
        self.stamps.withLock { $0[path] = Stamp(path) }
        return FileManager.default.contents(atPath: path).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Every file that these external services name.
    func serviceTexts(of objects: some Sequence<KubeObject>) -> [String: FileText] {
        var texts: [String: FileText] = [:]
        for object in objects {
            for path in Self.paths(object.spec) where texts[path] == nil { texts[path] = self.serviceText(path) }
        }
        return texts
    }

    private static func paths(_ spec: JSON) -> [String] {
        let places = [spec.at("networking", "tls"), spec.at("tls", "verification")].compactMap(\.self)
        return places.flatMap { place in
            ["caCert", "clientCert", "clientKey"].compactMap { place.at($0, "file")?.string }
        }
    }

    private func serviceText(_ path: String) -> FileText {
        guard let folder = self.serviceFolder else { return .notOffered }
        // Links are followed, as far as they lead nowhere else: a folder that is filled by renaming is full of them.
        guard path.hasPrefix("/"), let within = Self.resolved(folder) else { return .outside(folder: folder) }
        self.stamps.withLock { $0[path] = Stamp(path) }
        guard let real = Self.resolved(path) else {
            // Nothing is told of files elsewhere, not even whether they are there.
            let isOutside = !path.hasPrefix(folder.hasSuffix("/") ? folder : folder + "/") || path.contains("/../")
            return isOutside ? .outside(folder: folder) : .unreadable
        }
        guard real.hasPrefix(within + "/") else { return .outside(folder: folder) }
        let attributes = try? FileManager.default.attributesOfItem(atPath: real)
        guard attributes?[.type] as? FileAttributeType == .typeRegular, let size = attributes?[.size] as? UInt64, size <= Self.maxBytes,
            let text = FileManager.default.contents(atPath: real).flatMap({ String(validating: $0, as: UTF8.self) })
        else { return .unreadable }
        return .text(text)
    }

    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.period)) != nil {
                let known = self.stamps.withLock { $0 }
                if known.contains(where: { Stamp($0.key) != $0.value }) {
                    // Files that nobody names any more are forgotten.
                    self.stamps.withLock { $0 = [:] }
                    self.store.tell()
                }
            }
        }
    }
}
