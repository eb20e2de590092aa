import FoundationEssentials
import JSONModel
import KubeAPI
import KubeRuntime

/// A pod's state in its runner: the machine, and what actions need to be carried out.
struct PodWork {
    var machine: PodMachine
    var pod: KubeObject
    /// Takes what the volumes shall be made of.
    let volumes: AsyncStream<PodContext>.Continuation
    /// Container name to its bwrap process.
    var processes: [String: Int32] = [:]
    var lastProblem: ContainerProblem?
    var nextLook: Date?
    private var status: PodStatus
    /// The spec with the service account's mount.
    private let spec: PodSpec
    private let world: NodeWorld
    private let folders: PodFolders

    init(_ pod: KubeObject, world: NodeWorld, folders: PodFolders, volumes: AsyncStream<PodContext>.Continuation) {
        let spec = PodSpec(pod.spec)
        let account = world.caches[.serviceAccounts].object(ObjectKey(namespace: pod.namespace, name: spec.serviceAccountName))
        self.spec = spec.mountingServiceAccount(automountByAccount: account?["automountServiceAccountToken"]?.bool ?? true)
        self.machine = PodMachine(self.spec)
        self.pod = pod
        self.world = world
        self.folders = folders
        self.volumes = volumes
        self.status = PodStatus(address: nil, nodeAddress: NodeWorld.address, startedAt: Date())
    }

    var hasAddress: Bool { self.status.address != nil }
    mutating func adopt(address: String) { self.status.address = address }
    mutating func statusJSON(now: Date) -> JSON { self.status.json(self.machine, now: now) }
    func container(_ name: String) -> ContainerSpec? { self.spec.everyContainer.first { $0.name == name } }
    var prober: Prober { Prober(transport: self.world.transport, address: self.status.address ?? NodeWorld.address) }

    func attempt(_ body: () throws -> Void) throws(ContainerProblem) {
        do { try body() } catch { throw ContainerProblem(reason: "RunContainerError", message: "\(error)") }
    }

    /// Everything the pod's volumes and environment may be made of, as it is now.
    func context() -> PodContext {
        var context = PodContext(
            pod: self.pod.json, spec: self.spec, address: self.status.address ?? "", nodeName: self.world.options.name,
            nodeAddress: NodeWorld.address, capacity: self.world.capacity)
        context.objects = self.world.contents(self.spec.objects, namespace: context.namespace)
        return context
    }

    /// How the container is run, when a check is a command; other checks need not know.
    func sandbox(_ name: String, for check: Probe.Check) -> Sandbox? {
        guard case .exec = check else { return nil }
        return try? self.command(name)
    }

    func writeHosts() throws {
        let context = self.context()
        let text =
            HostsFile.text(services: self.world.hostsEntries(), for: context.namespace)
            + HostsFile.podLines(name: context.name, address: context.address, aliases: self.spec.hostAliases)
        try self.folders.writeHosts(text)
    }

    func command(_ name: String) throws(ContainerProblem) -> Sandbox {
        guard let container = self.container(name) else { throw .config("the pod has no container \(name)") }
        let program = try self.world.images.program(for: container.image)
        let context = self.context()
        var base = self.world.apiVariables
        base["PATH"] = "\(SandboxCommand.parent(program)):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        base["HOSTNAME"] = context.name
        base["HOME"] = "/root"
        let environment = try ContainerEnvironment(container, in: context, base: base)
        let command = SandboxCommand(
            host: self.world.host, program: program, hostsFolder: self.folders.etc, binds: try self.binds(of: container),
            workingDirectory: container.workingDirectory, command: container.command.map(environment.expand),
            arguments: container.arguments.map(environment.expand))
        return Sandbox(command: command, environment: environment.values)
    }

    private func binds(of container: ContainerSpec) throws(ContainerProblem) -> [SandboxCommand.Bind] {
        var binds: [SandboxCommand.Bind] = []
        for mount in container.mounts {
            guard let volume = self.spec.volumes.first(where: { $0.name == mount.volume }) else {
                throw .config("container \(container.name) mounts \"\(mount.volume)\", which is no volume of the pod")
            }
            var source = self.folders.volume(volume.name)
            var readOnly = mount.readOnly
            switch volume.source {
            case .hostPath(let path): source = path
            case .projected: readOnly = true
            case .emptyDir, .unsupported: break
            }
            if let subPath = mount.subPath { source += "/\(subPath)" }
            binds.append(.init(source: source, target: mount.path, readOnly: readOnly))
        }
        return binds
    }
}

extension PodSpec {
    /// The ConfigMaps and Secrets the pod refers to anywhere.
    var objects: Set<DataObject> {
        var objects = Set(self.volumes.flatMap(\.objects))
        for container in self.everyContainer {
            objects.formUnion(container.environmentSources.map(\.object))
            for entry in container.environment { if case .key(let reference) = entry.value { objects.insert(reference.object) } }
        }
        return objects
    }
}
