import KubeAPI
import MeshModel

/// The operator's mind: what should be, given what is. A function of its argument alone.
package enum Planner {
    /// - Parameter configured: told of the plan as soon as its tables are there, so that proxies need not wait for statuses.
    package static func plan(_ observed: Observed, configured: (Plan) -> Void = { _ in }) -> Plan {
        let world = World(observed)
        var plan = Plan()
        plan.authorities = world.authorityRequests()
        for role in ZoneProxyRole.allCases { world.planDefault(role, &plan) }
        plan.applies += world.zoneEgressApplies() + world.zoneIngressApplies()
        world.planChildren(of: world.egresses, &plan)
        world.planChildren(of: world.ingresses, &plan)
        plan.applies += world.podDataplanes.applies
        plan.deletes += world.podDataplanes.deletes
        world.planConfigs(of: world.egresses, world.egressTable, &plan)
        world.planConfigs(of: world.ingresses, world.ingressTable, &plan)
        world.planDataplaneConfigs(&plan)
        configured(plan)
        plan.statuses =
            world.meshStatuses() + world.zoneEgressStatuses() + world.zoneIngressStatuses() + world.permissionStatuses()
            + world.tagPermissionStatuses() + world.externalServiceStatuses() + world.meshExternalServiceStatuses() + world.policyStatuses()
            + world.dataplaneStatuses()
        return plan
    }
}
