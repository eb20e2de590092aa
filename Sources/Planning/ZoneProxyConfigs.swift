import KubeAPI
import MeshModel
import Routing

extension World {
    /// The tables of all egresses or ingresses of this zone, pods and others. They differ only in the address they listen on.
    func planConfigs<Proxy: ZoneProxy>(of proxies: [Judged<Proxy>], _ table: ProxyConfig?, _ plan: inout Plan) {
        guard let table else { return }
        let kind = Proxy.role.proxy
        for judged in proxies {
            guard let proxy = judged.accountable else { continue }
            if let address = proxy.address {
                plan.configs[ProxyID(kind, proxy.name)] = table.listening(on: address, port: proxy.port)
                continue
            }
            for pod in self.pods(of: judged) {
                guard let address = pod.podIP else { continue }
                plan.configs[ProxyID(kind, pod: pod)] = table.listening(on: address, port: proxy.port)
            }
        }
    }
}

extension ProxyConfig {
    /// The same table for a proxy at this address.
    func listening(on address: String, port: UInt16) -> ProxyConfig {
        var config = self
        config.listeners = config.listeners.map { listener in
            var listener = listener
            listener.address = address
            listener.port = port
            return listener
        }
        return config
    }
}
