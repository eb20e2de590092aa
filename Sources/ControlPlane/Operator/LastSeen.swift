import JSONModel
import KubeAPI
import MeshModel
import Planning

/// Which proxies the last control plane knew: what the statuses say of those that no cluster watches. They count for a while
/// after a start, until they had the time to come back.
enum LastSeen {
    static func proxies(_ source: any WorldSource, home: Home) -> [ProxyID] {
        var proxies = source.objects(.zoneEgresses).filter { egress in
            let address = egress.spec.at("networking", "address")?.string ?? ""
            return !address.isEmpty && (home == .universal || egress.namespace == source.namespace) && Self.wasThere(egress)
        }.map { ProxyID(.egress, $0.name) }
        if home == .universal {
            proxies += source.objects(.zoneIngresses).filter(Self.wasThere).map { ProxyID(.ingress, $0.name) }
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
