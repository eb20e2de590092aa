import JSONModel
import KubeAPI
import MeshModel
import Planning

/// Which proxies the last control plane knew: what the statuses say of those that no cluster watches. They count for a while
/// after a start, until they had the time to come back.
enum LastSeen {
    static func proxies(_ source: any WorldSource, home: Home) -> [ProxyID] {
        var proxies = ZoneProxyRole.allCases.flatMap { role in
            source.objects(role.type).filter { proxy in
                let address = proxy.spec.at("networking", "address")?.string ?? ""
                return !address.isEmpty && (home == .universal || proxy.namespace == source.namespace) && Self.wasThere(proxy)
            }.map { ProxyID(role.proxy, $0.name) }
        }
        if home == .universal {
            proxies += source.objects(.dataplanes).filter(Self.wasThere).map { ProxyID(.dataplane, "\($0.namespace ?? "")/\($0.name)") }
        }
        return proxies
    }

    private static func wasThere(_ object: KubeObject) -> Bool {
        if object.metadata.labels[SelfRegistration.label] != nil { return true }
        let conditions = object.status["conditions"]?.array ?? []
        return !conditions.isEmpty && !conditions.contains { $0["reason"] == "Offline" }
    }
}
