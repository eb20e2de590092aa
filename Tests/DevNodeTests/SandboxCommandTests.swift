import Testing

@testable import DevNode

struct SandboxCommandTests {
    private func command(_ program: String, command: [String] = [], arguments: [String] = []) -> SandboxCommand {
        SandboxCommand(
            host: .init(
                directories: ["/usr", "/opt"], links: ["/bin": "usr/bin"], etc: ["/etc/passwd"],
                libraries: ["/opt/swift/lib", "/home/u/swift/lib"]), program: program, hostsFolder: "/data/etc",
            binds: [
                .init(source: "/data/inner", target: "/var/run/a/b", readOnly: false),
                .init(source: "/data/outer", target: "/var/run/a", readOnly: true),
            ], workingDirectory: nil, command: command, arguments: arguments)
    }

    /// The arguments after each occurrence of an option.
    private func uses(_ option: String, _ line: [String], _ count: Int = 2) -> [[String]] {
        line.indices.filter { line[$0] == option }.map { Array(line[($0 + 1)...($0 + count)]) }
    }

    @Test("the whole command line")
    func whole() {
        #expect(
            self.command("/build/debug/egret-dp", arguments: ["run"]).line.joined(separator: " ")
                == """
                --die-with-parent --unshare-pid --unshare-ipc --ro-bind /usr /usr --ro-bind /opt /opt --symlink usr/bin /bin \
                --ro-bind /etc/passwd /etc/passwd --proc /proc --dev /dev --tmpfs /tmp --tmpfs /run --tmpfs /var/tmp --dir /root \
                --ro-bind /data/etc /run/egret-pod --symlink /run/egret-pod/hosts /etc/hosts \
                --ro-bind /home/u/swift/lib /home/u/swift/lib --ro-bind /build/debug /build/debug \
                --ro-bind /data/outer /var/run/a --bind /data/inner /var/run/a/b --chdir / -- /build/debug/egret-dp run
                """)
    }

    @Test("the pod's processes die with the node")
    func dies() {
        let line = self.command("/usr/bin/python3").line
        #expect(line.contains("--die-with-parent"))
        #expect(line.contains("--unshare-pid"))
    }

    @Test("a command replaces the program, arguments follow either")
    func entrypoint() {
        #expect(self.command("/b/dp", arguments: ["x"]).line.suffix(3) == ["--", "/b/dp", "x"])
        #expect(self.command("/b/dp", command: ["sh", "-c"], arguments: ["x"]).line.suffix(4) == ["--", "sh", "-c", "x"])
    }

    @Test("a program below a volume's mount path lies on top of the volume")
    func hiddenProgram() {
        var command = self.command("/tmp/clone/.build/debug/egret-dp")
        command.binds.append(.init(source: "/data/tmp", target: "/tmp", readOnly: false))
        let line = command.line
        let volume = line.lastIndex(of: "/tmp")
        let program = line.lastIndex(of: "/tmp/clone/.build/debug")
        #expect((volume ?? .max) < (program ?? .min))
    }

    @Test("a program in a folder that is shown anyway needs no bind, one directly in /tmp is bound alone")
    func folders() {
        for program in ["/usr/bin/python3", "/bin/sh"] {
            let folder = SandboxCommand.parent(program)
            #expect(!self.uses("--ro-bind", self.command(program).line).contains([folder, folder]))
        }
        let line = self.command("/tmp/server").line
        #expect(self.uses("--ro-bind", line).contains(["/tmp/server", "/tmp/server"]))
        #expect(!self.uses("--ro-bind", line).contains(["/tmp", "/tmp"]))
    }
}
