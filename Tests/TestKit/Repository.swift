import Foundation

/// Where things are in this checkout.
package enum Repository {
    package static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// A program of the debug build that the tests share; `EGRET_PROGRAMS` names another build's folder.
    package static func program(_ name: String) -> String {
        "\(ProcessInfo.processInfo.environment["EGRET_PROGRAMS"] ?? "\(self.root)/.build/debug")/\(name)"
    }

    /// The Python that has the Helm engine; hack/setup makes it.
    package static let python = "\(root)/.build/tools/venv/bin/python"
    package static let helm = "\(root)/hack/helm.py"
    package static let chart = "\(root)/charts/egret"
}
