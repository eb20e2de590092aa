import DevNode
import Testing

/// Real programs against a cluster: the development cluster unless the environment names another one.
///
/// - `EGRET_TEST_KUBECONFIG`: a whole cluster, which the tests may install into and clean up.
/// - `KUBEBUILDER_ASSETS`: a folder with `etcd` and `kube-apiserver`; nodes and pods are ours.
/// - `EGRET_KUBECTLS`: the kubectl programs to drive it with, separated by `:`.
///
/// One after the other: each has a cluster, and the machine, to itself.
@Suite(
    .serialized, .timeLimit(.minutes(8)),
    .enabled("this machine allows pods no sandboxes") {
        if Environment.kubeconfig != nil { return true }
        let problem = await Node.problem()
        if let problem { print("scenarios are skipped: \(problem)") }
        return problem == nil
    })
enum Scenarios {}
