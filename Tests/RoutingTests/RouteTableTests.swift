import ClientHello
import TestKit
import Testing

@testable import Routing

@Suite("Route table")
struct RouteTableTests {
    private func table(_ names: [[String]]) -> RouteTable {
        let routes = names.enumerated().map { Route(sni: $1, action: .passthrough(cluster: "c"), origin: "r\($0)") }
        let (table, errors) = RouteTable.compile(routes, listener: "egress")
        #expect(errors.isEmpty)
        return table
    }

    private func match(_ table: RouteTable, _ name: String) throws -> Int? { table.match(try ServerName(name)) }

    @Test("exact beats the longest suffix, which beats any")
    func precedence() throws {
        let table = self.table([["*"], ["*.test"], ["*.example.test"], ["a.example.test"]])
        #expect(try self.match(table, "a.example.test") == 3)
        #expect(try self.match(table, "b.example.test") == 2)
        #expect(try self.match(table, "x.y.example.test") == 2)
        #expect(try self.match(table, "example.test") == 1)
        #expect(try self.match(table, "other") == 0)
    }

    @Test("a suffix wants at least one label and excludes itself")
    func suffix() throws {
        let table = self.table([["*.example.test"]])
        #expect(try self.match(table, "example.test") == nil)
        #expect(try self.match(table, "notexample.test") == nil)
        #expect(try self.match(table, "a.example.test") == 0)
    }

    @Test("case and a trailing dot don't matter, on either side")
    func folding() throws {
        let table = self.table([["A.Example.Test."], ["*.Suffix.Test."]])
        #expect(try self.match(table, "a.EXAMPLE.test") == 0)
        #expect(try self.match(table, "X.suffix.test.") == 1)
    }

    @Test("the first of equals wins")
    func ties() throws {
        let table = self.table([["a.test", "*.b.test"], ["a.test", "*.b.test", "*"], ["*"]])
        #expect(try self.match(table, "a.test") == 0)
        #expect(try self.match(table, "x.b.test") == 0)
        #expect(try self.match(table, "y") == 1)
    }

    @Test("mesh names match whole")
    func meshNames() throws {
        let table = self.table([["backend{mesh=default}"], ["backend{mesh=other}"], ["httpbin_default_svc_80{mesh=default,version=v1}"]])
        #expect(try self.match(table, "backend{mesh=default}") == 0)
        #expect(try self.match(table, "backend{mesh=other}") == 1)
        #expect(try self.match(table, "httpbin_default_svc_80{mesh=default,version=v1}") == 2)
        #expect(try self.match(table, "backend{mesh=third}") == nil)
    }

    @Test("bad names are named and the rest serves")
    func errors() throws {
        let routes = [
            Route(sni: ["a.test", "*.*.b", "10.0.0.1", "ü", "", "x y"], action: .passthrough(cluster: "c"), origin: "ExternalService/x")
        ]
        let (table, errors) = RouteTable.compile(routes, listener: "egress")
        #expect(table.match(try ServerName("a.test")) == 0)
        #expect(errors.count == 5)
        #expect(errors.allSatisfy { $0.item == "route ExternalService/x" })
        #expect(
            errors[1].message
                == #"The server name "10.0.0.1" of listener egress is an IP address, which a client never sends as a server name. It is ignored."#
        )
    }

    @Test("ten thousand random routes answer as a simple search does")
    func againstModel() throws {
        var generator = SeededGenerator(seed: 42)
        let labels = ["a", "b", "c", "dd", "ee", "x-1", "{m=1}"]
        func name(_ maximum: Int) -> String {
            (0..<Int.random(in: 1...maximum, using: &generator)).map { _ in labels.randomElement(using: &generator)! }.joined(
                separator: ".")
        }
        let patterns = (0..<10_000).map { _ in Bool.random(using: &generator) ? name(5) : "*." + name(4) }
        let table = self.table(patterns.map { [$0] })
        let positions = Dictionary(patterns.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        for _ in 0..<20_000 {
            let wanted = name(6)
            // Suffixes from the longest to the shortest.
            let suffixes = wanted.indices.filter { wanted[$0] == "." }.map { "*" + wanted[$0...] }
            let expected = positions[wanted] ?? suffixes.compactMap { positions[$0] }.first
            #expect(try self.match(table, wanted) == expected)
        }
    }
}
