/// The files a configuration names. Reading is a function, so that tests and fuzzers need no disk.
final class StaticFiles {
    private let folder: String
    private let read: (String) -> StaticFile
    /// Every path asked for, once.
    private(set) var paths: [String] = []
    private var known: Set<String> = []

    init(folder: String, read: @escaping (String) -> StaticFile) {
        self.folder = folder
        self.read = read
    }

    /// PEM text itself, or the text of the file that `reference` names, relative to the configuration's own folder.
    func text(_ reference: String) -> StaticFile {
        if reference.contains("-----BEGIN ") { return .text(reference) }
        let path = reference.hasPrefix("/") || self.folder.isEmpty ? reference : "\(self.folder)/\(reference)"
        if self.known.insert(path).inserted { self.paths.append(path) }
        return self.read(path)
    }
}

/// What became of reading a file.
package enum StaticFile: Hashable, Sendable {
    case text(String)
    /// The end of a sentence that begins with the path: `does not exist`.
    case unreadable(String)
}
