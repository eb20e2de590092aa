import ArgumentParser
import Foundation

/// Which local programs stand for which images.
struct ImageOptions: ParsableArguments {
    @Option(
        name: .customLong("image"),
        help: ArgumentHelp("A program that stands for an image, by the image's last path component.", valueName: "NAME=BINARY"))
    var images: [String] = []

    func validate() throws {
        for image in self.images {
            let parts = image.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else {
                throw ValidationError("--image \"\(image)\" must be NAME=BINARY, such as egret-dp=.build/debug/egret-dp")
            }
            guard FileManager.default.isExecutableFile(atPath: String(parts[1])) else {
                throw ValidationError("--image \"\(image)\": there is no program at \(parts[1]); build it first or mend the path")
            }
        }
    }

    /// Image name to the program's absolute path.
    var programs: [String: String] {
        Dictionary(
            self.images.map { image in
                let parts = image.split(separator: "=", maxSplits: 1).map(String.init)
                return (parts[0], absolutePath(parts[1]))
            }, uniquingKeysWith: { _, last in last })
    }
}

func absolutePath(_ path: String) -> String {
    let here = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
    return URL(filePath: path, relativeTo: here).standardizedFileURL.path
}
