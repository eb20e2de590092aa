/// Finds the local program that stands for an image.
struct ImageMap: Hashable, Sendable {
    var programs: [String: String]

    /// `ghcr.io/egret-mesh/egret-dp:0.1.0@sha256:…` → `egret-dp`
    static func shortName(_ image: String) -> String {
        let last = image.split(separator: "/").last ?? ""
        return String(last.prefix { $0 != ":" && $0 != "@" })
    }

    func program(for image: String) throws(ContainerProblem) -> String {
        let name = Self.shortName(image)
        if let program = self.programs[name] { return program }
        throw ContainerProblem(
            reason: "ErrImagePull",
            message: "no local program stands for image \"\(image)\"; start the development cluster with --image \(name)=/path/to/program")
    }
}
