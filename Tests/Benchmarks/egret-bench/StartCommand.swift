import ArgumentParser
import CLinux
import Glibc

/// `egret-bench start --port P [--path /ready] -- PROGRAM ARGUMENT…`: how long a program takes from exec until it is there.
struct StartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start a program, wait until it answers, measure its memory at rest and end it.")

    @Option(help: "The port on 127.0.0.1 to ask.") var port: UInt16
    @Option(help: "Ask this path over HTTP until the answer is 200; without it a connection is answer enough.") var path: String?
    @Option(help: "Seconds at rest before its memory is read.") var rest = 0.5
    @Argument(parsing: .postTerminator, help: "The program and its arguments.") var command: [String]

    func run() throws {
        cl_ignore_sigpipe()
        let start = cl_monotonic_ns()
        let process = try self.spawn()
        defer {
            kill(-process, SIGKILL)
            waitpid(process, nil, 0)
        }
        while !self.answers() {
            guard cl_monotonic_ns() - start < 20_000_000_000 else { throw SystemFailure(doing: "waiting for an answer", number: ETIMEDOUT) }
            guard waitpid(process, nil, WNOHANG) == 0 else { throw SystemFailure(doing: "waiting for an answer", number: ECHILD) }
            usleep(100)
        }
        let milliseconds = Double(cl_monotonic_ns() - start) / 1e6
        usleep(UInt32(self.rest * 1e6))
        print("{\"milliseconds\":\(milliseconds),\"resident\":\(residentBytes(of: Int(process)))}")
    }

    private func spawn() throws -> pid_t {
        var process = pid_t()
        var arguments = self.command.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        // A group of its own, to end the workers of a program that has some.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        let status = posix_spawnp(&process, self.command[0], nil, &attributes, &arguments, environ)
        guard status == 0 else { throw SystemFailure(doing: "starting \(self.command[0])", number: status) }
        return process
    }

    private func answers() -> Bool {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(fd) }
        guard withSocketAddress(loopback(port: self.port), { connect(fd, $0, $1) }) == 0 else { return false }
        guard let path else { return true }
        let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        guard send(fd, request, request.utf8.count, 0) == request.utf8.count else { return false }
        var answer = [UInt8](repeating: 0, count: 64)
        let count = recv(fd, &answer, answer.count, 0)
        return count > 12 && answer[9..<12].elementsEqual("200".utf8)
    }
}
