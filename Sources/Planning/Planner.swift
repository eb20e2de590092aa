/// The operator's mind: what should be, given what is. A function of its argument alone.
package enum Planner {
    package static func plan(_ observed: Observed) -> Plan {
        let world = World(observed)
        var plan = Plan()
        plan.authorities = world.authorityRequests()
        return plan
    }
}
