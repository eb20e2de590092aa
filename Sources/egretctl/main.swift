import ArgumentParser
import CLI

Egretctl.main()
