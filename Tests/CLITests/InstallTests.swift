import CLI
import JSONModel
import TestKit
import Testing
import YAMLDocument

@Suite("egretctl install control-plane")
struct InstallTests {
    @Test("The default manifests are the golden ones")
    func golden() {
        expectGolden(ControlPlaneManifests.text(.init()), "install-control-plane.yaml")
    }
}
