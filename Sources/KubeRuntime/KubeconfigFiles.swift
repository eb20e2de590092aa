private import JSONModel
private import YAMLDocument

/// Which kubeconfig files there are, by kubectl's rules: the file asked for, else those `KUBECONFIG` lists, else
/// `~/.kube/config`. Of several files the first to name something wins.
struct KubeconfigFiles {
    let paths: [String]
    /// A file asked for by name must exist; others are skipped when they are not there.
    let mustExist: Bool

    init(file: String?, environment: [String: String]) {
        if let file {
            self.paths = [file]
            self.mustExist = true
        } else if let list = environment["KUBECONFIG"], !list.isEmpty {
            self.paths = list.split(separator: ":").map(String.init)
            self.mustExist = false
        } else {
            self.paths = environment["HOME"].map { ["\($0)/.kube/config"] } ?? []
            self.mustExist = false
        }
    }

    var described: String { self.paths.isEmpty ? "~/.kube/config" : self.paths.joined(separator: ":") }

    /// Nil when there are none.
    func read() throws(KubeconfigError) -> Kubeconfig? {
        var merged: Kubeconfig?
        for path in self.paths {
            guard Host.exists(path) else {
                if self.mustExist { throw KubeconfigError("the kubeconfig \(path) does not exist: give another path") }
                continue
            }
            guard let text = Host.text(of: path) else {
                throw KubeconfigError("the kubeconfig \(path) cannot be read: check its owner and mode")
            }
            let document: JSON
            do {
                document = try YAMLDocument.parseOne(text, file: path)
            } catch {
                throw KubeconfigError("the kubeconfig is not valid YAML: \(error)")
            }
            let next = try Kubeconfig(document, path: path)
            merged = merged?.merging(next) ?? next
        }
        return merged
    }
}
