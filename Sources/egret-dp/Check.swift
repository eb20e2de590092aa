import ArgumentParser
import DataPlane

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a static configuration file.",
        discussion: """
            Reads the file and every file it names as `run --static-config` does, says all that is wrong with them, and fails if \
            anything is. Nothing is listened on, resolved or connected to.
            """)

    @Option(help: "The file.")
    var staticConfig: String

    func run() throws {
        let check: StaticCheck
        do {
            check = try StaticCheck(path: self.staticConfig)
        } catch {
            throw Unusable(description: "the file would be refused:\n\(error)")
        }
        print("\(self.staticConfig): \(check.summary)")
        guard !check.errors.isEmpty else { return }
        throw Unusable(
            description: "not all of it would be served:\n" + check.errors.map { "\($0)" }.joined(separator: "\n"))
    }
}
