import ArgumentParser
import CLI

@main
enum Program {
    static func main() async { await Egretctl.main() }
}
