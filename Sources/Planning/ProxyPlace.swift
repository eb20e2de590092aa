import KubeAPI
import MeshModel

/// Where the proxy of a dataplane runs: on Kubernetes its pod, elsewhere the machine it named itself.
struct ProxyPlace {
    let id: ProxyID
    let address: String?
    /// Others may send to it.
    let isReady: Bool
}

extension World {
    /// Nil where there is no proxy that could run.
    func place(of judged: Judged<Dataplane>) -> ProxyPlace? {
        switch self.observed.home {
        case .kubernetes:
            guard let pod = self.observed.objects[.pods, judged.object.key] else { return nil }
            return ProxyPlace(id: ProxyID(.dataplane, pod: pod), address: pod.podIP, isReady: pod.isPodReady)
        case .universal:
            guard let dataplane = judged.resource else { return nil }
            let id = self.observed.proxy(ofDataplane: judged.object.key)
            return ProxyPlace(id: id, address: dataplane.address, isReady: self.observed.online.contains(id))
        }
    }

    /// A proxy with an address is somewhere else: its config stream says whether it is there.
    func isOnline<Proxy: ZoneProxy>(_ proxy: Proxy) -> Bool {
        self.observed.online.contains(ProxyID(Proxy.role.proxy, proxy.name))
    }
}
