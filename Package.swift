// swift-tools-version: 6.2
import PackageDescription

// One place for compiler rules: every target is checked the same way.
let swift: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

// External products by short name, so that the module map below stays readable.
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let hummingbirdHTTP2 = Target.Dependency.product(name: "HummingbirdHTTP2", package: "hummingbird")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let jwt = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

/// A module of `Sources/<name>`. Dependencies point up the list in `targets` only.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swift)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies + [argumentParser], swiftSettings: swift)
}

/// `Tests/<module>Tests`. What a test needs besides the module and TestKit is listed, as for any module.
func tests(_ module: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(module)Tests", dependencies: [.init(stringLiteral: module), "TestKit"] + dependencies, exclude: exclude,
        swiftSettings: swift)
}

/// `EGRET_TESTS=RelayTests,RoutingTests swift test` offers only these test targets, for a short inner loop.
let chosenTests = Context.environment["EGRET_TESTS"].map { Set($0.split(separator: ",").map(String.init)) }

let package = Package(
    name: "egret",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "egret-cp", targets: ["egret-cp"]),
        .executable(name: "egret-dp", targets: ["egret-dp"]),
        .executable(name: "egretctl", targets: ["egretctl"]),
        .executable(name: "egret-devcluster", targets: ["egret-devcluster"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.7.0"),
    ],
    targets: [
        // System libraries and the C shim.
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CCares", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
        .target(name: "CLinux"),

        // Pure: no clock, file, socket, task or logger.
        module("JSONModel"),
        module("MeshModel", ["JSONModel"]),
        module("ClientHello"),
        module("Routing", ["ClientHello"]),
        module("ProxyHeader", ["Routing"]),
        module("Identity", ["MeshModel", x509, asn1, crypto, cryptoExtras]),
        module("Tokens", [jwt, cryptoExtras]),
        module("KubeAPI", ["JSONModel"]),
        module("Planning", ["JSONModel", "MeshModel", "Routing", "KubeAPI"]),
        module("ConfigSync", ["JSONModel", "Routing", crypto]),
        module("ZoneSync", ["JSONModel", "MeshModel", "Tokens", "KubeAPI", "ConfigSync"]),

        // Effects.
        module("Telemetry", [logging]),
        module("YAMLDocument", ["CYAML", "JSONModel"]),
        module("StaticConfig", ["JSONModel", "MeshModel", "Routing", "YAMLDocument"]),
        module("CurlTransport", ["CCurl"]),
        module("ControlPlaneAccess", ["JSONModel", "Identity", "ConfigSync", "CurlTransport"]),
        module(
            "KubeRuntime", ["JSONModel", "KubeAPI", "CurlTransport", "YAMLDocument", "Telemetry", logging, lifecycle, subprocess, system]),
        module("Store", ["JSONModel", grdb]),
        module("NameResolution", ["CCares", "CLinux", "Routing", "Telemetry"]),
        module("Relay", ["CLinux", "ClientHello", "ProxyHeader", "Routing", "NameResolution", "Telemetry", logging]),
        // NIOSSL for the BoringSSL it carries, which is driven directly: see docs/tls.md.
        module("TLSRelay", ["CLinux", "Routing", "NameResolution", "Relay", logging, nioSSL]),

        module("ProgramOptions", ["Telemetry", logging, argumentParser]),

        // Composition. These never import one another.
        module(
            "ControlPlane",
            [
                "JSONModel", "MeshModel", "Routing", "Identity", "KubeAPI", "Planning", "ConfigSync", "Telemetry", "YAMLDocument",
                "CurlTransport", "ControlPlaneAccess", "KubeRuntime", "Tokens", "ZoneSync", "Store", logging, lifecycle, hummingbird,
                hummingbirdTLS, nioCore, nioSSL, x509,
                asn1,
                crypto,
            ]),
        module(
            "DataPlane",
            [
                "JSONModel", "MeshModel", "Routing", "Identity", "ConfigSync", "Telemetry", "StaticConfig", "CurlTransport",
                "ControlPlaneAccess", "NameResolution", "ProxyHeader", "Relay", "TLSRelay", logging, nioCore, nioPosix, nioHTTP1, x509,
                asn1, crypto,
            ]),
        module("CLI", ["JSONModel", "MeshModel", "Identity", "Tokens", "YAMLDocument", "CurlTransport", "ProgramOptions", argumentParser]),
        // Development only; nothing in the product imports these.
        module(
            "DevAPIServer",
            [
                "JSONModel", "MeshModel", "Identity", "YAMLDocument", "CurlTransport", logging, lifecycle, hummingbird, hummingbirdHTTP2,
                nioCore, nioSSL, jwt, x509, crypto, deque,
            ]),
        module(
            "DevNode",
            [
                "JSONModel", "KubeAPI", "KubeRuntime", "CurlTransport", "YAMLDocument", "Telemetry", logging, lifecycle, nioCore,
                nioPosix, nioSSL, hummingbird, hummingbirdTLS, x509, asn1, crypto, subprocess, system,
            ]),

        program(
            "egret-cp",
            [
                "ControlPlane", "ControlPlaneAccess", "Planning", "MeshModel", "JSONModel", "KubeRuntime", "ProgramOptions", "Telemetry",
                logging, lifecycle, unixSignals,
            ]),
        program(
            "egret-dp",
            [
                "DataPlane", "ControlPlaneAccess", "ConfigSync", "MeshModel", "JSONModel", "YAMLDocument", "ProgramOptions", logging,
                unixSignals,
            ]),
        program("egretctl", ["CLI"]),
        program("egret-devcluster", ["DevAPIServer", "DevNode", "ProgramOptions", logging, lifecycle, unixSignals]),

        // Tests mirror Sources. ScenarioTests run the real programs against a cluster.
        .target(
            name: "TestServer", dependencies: [nioCore, nioPosix, nioHTTP1, nioSSL], path: "Tests/TestServer", swiftSettings: swift),
        // The load generator of hack/bench. Its own backend, and OpenSSL for TLS clients that cost less than what they measure.
        .systemLibrary(name: "COpenSSL", path: "Tests/Benchmarks/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .executableTarget(
            name: "egret-bench", dependencies: ["CLinux", "COpenSSL", argumentParser], path: "Tests/Benchmarks/egret-bench",
            swiftSettings: swift),
        // Many proxies that pretend, for hack/bench --scale.
        .executableTarget(
            name: "egret-scale", dependencies: ["ConfigSync", "CurlTransport", "JSONModel", "Routing", "Store", argumentParser],
            path: "Tests/Benchmarks/egret-scale", swiftSettings: swift),
        // One piece of work for the relay, to be counted: what RelayTests' budgets run.
        .target(name: "CAllocationCount", path: "Tests/RelayProbe/CAllocationCount"),
        .executableTarget(
            name: "relay-probe", dependencies: ["CAllocationCount", "Relay", "Routing", logging], path: "Tests/RelayProbe/relay-probe",
            swiftSettings: swift),
        .systemLibrary(name: "CNamespaces", path: "Tests/CNamespaces"),
        .target(
            name: "TestKit", dependencies: ["JSONModel", "KubeAPI", "CLinux", "CNamespaces", subprocess, system], path: "Tests/TestKit",
            swiftSettings: swift),
        // Driven by hack/fuzz, replayed by FuzzTargetsTests. FuzzDriver is no target of this package.
        .target(
            name: "FuzzTargets", dependencies: ["ClientHello", "Routing", "ProxyHeader", "StaticConfig"], path: "Tests/FuzzTargets",
            swiftSettings: swift),
        tests("FuzzTargets", exclude: ["Corpus"]),
        tests("JSONModel"),
        tests("MeshModel", ["JSONModel", "YAMLDocument"]),
        tests("ClientHello", exclude: ["Hellos"]),
        tests("Routing", ["ClientHello"]),
        tests("ProxyHeader", ["Routing"]),
        tests("Identity", ["MeshModel", x509, asn1, crypto]),
        tests("Tokens", [jwt, crypto, cryptoExtras]),
        tests("KubeAPI", ["JSONModel"]),
        tests("Planning", ["JSONModel", "MeshModel", "Routing", "KubeAPI", "YAMLDocument"]),
        tests("ConfigSync", ["JSONModel", "Routing"]),
        tests("ZoneSync", ["JSONModel", "MeshModel", "Tokens", "ConfigSync"]),
        tests("Telemetry", [logging]),
        tests("YAMLDocument", ["JSONModel"]),
        tests("StaticConfig", ["Routing"]),
        tests("CurlTransport", ["TestServer", hummingbird, hummingbirdTLS, hummingbirdHTTP2, lifecycle, logging, nioCore, nioSSL]),
        tests("KubeRuntime", ["TestServer", "JSONModel", "KubeAPI", "CurlTransport", "Telemetry", logging, lifecycle]),
        tests("Store", ["JSONModel"]),
        tests("NameResolution", ["Routing", "Telemetry"]),
        tests("Relay", ["relay-probe", "CLinux", "ClientHello", "ProxyHeader", "Routing", "NameResolution", "Telemetry", logging]),
        tests(
            "TLSRelay",
            ["CLinux", "Routing", "NameResolution", "Telemetry", "Identity", logging, nioCore, nioPosix, nioSSL, x509, asn1, crypto]),
        tests(
            "ControlPlane",
            [
                "egret-cp", "JSONModel", "MeshModel", "Routing", "Identity", "KubeAPI", "Planning", "ConfigSync", "ZoneSync",
                "ControlPlaneAccess", "Telemetry",
                "CurlTransport", "Store",
                "Tokens",
                logging, lifecycle, x509, crypto,
            ]),
        tests(
            "DataPlane",
            [
                "egret-dp", "egret-bench", "ControlPlaneAccess", "JSONModel", "Routing", "ProxyHeader", "ConfigSync", "Identity",
                hummingbird, hummingbirdTLS,
                logging, nioCore,
                nioPosix, nioSSL, x509,
                crypto,
            ]),
        tests("ProgramOptions", ["Telemetry", logging, argumentParser]),
        tests("CLI", ["JSONModel", "YAMLDocument", "Routing", "Planning", argumentParser], exclude: ["Goldens"]),
        tests("DevAPIServer", ["JSONModel", "YAMLDocument", "CurlTransport", logging]),
        tests("DevNode", ["JSONModel", "KubeAPI", "CurlTransport", nioCore, nioPosix, system]),
        .testTarget(
            name: "ScenarioTests", dependencies: ["TestKit", "JSONModel", "DevNode"], swiftSettings: swift),
    ].filter { target in target.type != .test || chosenTests?.contains(target.name) ?? true }
)
