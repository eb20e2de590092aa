import ArgumentParser
import CurlTransport
import Foundation
import JSONModel

/// A real control plane with many proxies that only pretend: how long a change takes to reach all of them, what one that changes
/// nothing costs, and what proxies and routes cost in memory.
@main
struct EgretScale: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "egret-scale", abstract: "Measure egret-cp with many proxies.")

    @Option(help: "The egret-cp to measure.")
    var cp: String
    @Option(help: "How many egress proxies.")
    var proxies = 1000
    @Option(help: "How many routes each of them has: one per external service.")
    var routes = 10_000
    @Option(help: "How many changes are measured.")
    var changes = 10
    @Option(help: "How many proxies put their tables together and read them, instead of only counting lines.")
    var readers = 2
    @Option(help: "Where the store and the log go; kept if given.")
    var folder: String?
    @Flag(help: "Leave out the start with a tenth of the routes, which the memory of a route is taken from.")
    var noMemory = false

    func run() async throws {
        let folder = self.folder ?? NSTemporaryDirectory() + "egret-scale-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { if self.folder == nil { try? FileManager.default.removeItem(atPath: folder) } }

        var small: Int?
        let few = max(1, self.routes / 10)
        if !self.noMemory { small = try await self.idleMemory(routes: few, folder: folder) }

        let zone = Zone(proxies: self.proxies, routes: self.routes)
        let file = folder + "/egret.db"
        try zone.fill(file)
        try await ControlPlaneProcess.with(self.cp, store: file, log: folder + "/egret-cp.log") { cp in
            try await cp.waitUntilIdle()
            let idle = cp.residentBytes
            Report.line("resident with \(self.routes) routes and no proxy", Report.mebibytes(idle))
            if let small {
                Report.line("resident per route", "\((idle - small) / (self.routes - few)) bytes")
            }
            let fleet = try await Fleet(zone, cp: cp, readers: self.readers)
            let started = ContinuousClock.now
            try await fleet.run { fleet in
                try await fleet.waitUntilAllHaveSomething()
                Report.line("first tables at all \(self.proxies) proxies after", Report.seconds(.now - started))
                try await fleet.waitUntilAllConfirmed()
                try await cp.waitUntilIdle()
                let busy = cp.residentBytes
                Report.line("resident with \(self.proxies) proxies", Report.mebibytes(busy))
                Report.line("resident per proxy", "\((busy - idle) / self.proxies / 1024) KiB")
                try await self.measureChanges(fleet, cp, zone)
                try await self.measureNothing(fleet, cp, zone)
                try await self.measureReturn(fleet, cp)
                try fleet.checkReaders()
            }
        }
    }

    private func idleMemory(routes: Int, folder: String) async throws -> Int {
        let file = folder + "/small.db"
        try Zone(proxies: self.proxies, routes: routes).fill(file)
        return try await ControlPlaneProcess.with(self.cp, store: file, log: folder + "/egret-cp-small.log") { cp in
            try await cp.waitUntilIdle()
            Report.line("resident with \(routes) routes and no proxy", Report.mebibytes(cp.residentBytes))
            return cp.residentBytes
        }
    }

    /// One endpoint changes, again and again.
    private func measureChanges(_ fleet: Fleet, _ cp: ControlPlaneProcess, _ zone: Zone) async throws {
        var all: [Duration] = []
        var half: [Duration] = []
        let (bytes, cpu) = (try await cp.sentBytes(), cp.processorTime)
        for change in 1...self.changes {
            let before = fleet.generation
            let started = ContinuousClock.now
            try await cp.put(zone.externalServicePath(self.routes / 2), zone.externalService(self.routes / 2, port: 20_000 + change))
            let arrivals = try await fleet.waitForAll(after: before)
            half.append(arrivals[arrivals.count / 2] - started)
            all.append(arrivals[arrivals.count - 1] - started)
            try await fleet.waitUntilAllConfirmed()
            try await cp.waitUntilIdle()
        }
        Report.line("a changed endpoint at half of the proxies after (median)", Report.seconds(half.sorted()[half.count / 2]))
        Report.line("… at all of them (median)", Report.seconds(all.sorted()[all.count / 2]))
        Report.line("… at all of them (slowest of \(self.changes))", Report.seconds(all.max() ?? .zero))
        Report.line("bytes per proxy and change", "\((try await cp.sentBytes() - bytes) / self.changes / self.proxies)")
        Report.line(
            "processor time of egret-cp per change, confirmations included", Report.seconds((cp.processorTime - cpu) / self.changes))
    }

    /// The same again, and a change that touches no table.
    private func measureNothing(_ fleet: Fleet, _ cp: ControlPlaneProcess, _ zone: Zone) async throws {
        let (bytes, generation, cpu) = (try await cp.sentBytes(), fleet.generation, cp.processorTime)
        let number = self.routes / 2
        try await cp.put(zone.externalServicePath(number), zone.externalService(number, port: 20_000 + self.changes))
        try await cp.waitUntilIdle()
        var labelled = zone.externalService(number, port: 20_000 + self.changes)
        labelled["labels"] = ["team": "blue"]
        try await cp.put(zone.externalServicePath(number), labelled)
        try await cp.waitUntilIdle()
        Report.line("bytes sent for two changes that touch no table", "\(try await cp.sentBytes() - bytes)")
        Report.line("… tables received", "\(fleet.generation - generation)")
        Report.line("… processor time of egret-cp", Report.seconds(cp.processorTime - cpu))
    }

    /// All streams are cut and come back.
    private func measureReturn(_ fleet: Fleet, _ cp: ControlPlaneProcess) async throws {
        let bytes = try await cp.sentBytes()
        let started = ContinuousClock.now
        try await fleet.cutAndReturn()
        Report.line("all proxies back after a cut of every stream", Report.seconds(.now - started))
        try await cp.waitUntilIdle()
        Report.line("… bytes of configuration sent", "\(try await cp.sentBytes() - bytes)")
    }
}

enum Report {
    static func line(_ name: String, _ value: String) {
        // At once, also into a file: a run takes minutes.
        try? FileHandle.standardOutput.write(contentsOf: Data("| \(name) | \(value) |\n".utf8))
    }

    static func seconds(_ duration: Duration) -> String { String(format: "%.2f s", duration / .seconds(1)) }

    static func mebibytes(_ bytes: Int) -> String { "\(bytes >> 20) MiB" }
}

struct Failed: Error, CustomStringConvertible {
    var description: String
}
