// swift-tools-version: 6.0

import Foundation
import PackageDescription

/// The library for Apple's platforms, as `cargo xtask package apple` makes it.
let framework = "Artifacts/ConnectoidFFI.xcframework"

/// Elsewhere, the library that `cargo xtask natives` builds from this repository, for this machine.
let isFramework = FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/\(framework)")

#if os(macOS)
let system = "darwin"
#else
let system = "linux"
#endif
#if arch(x86_64)
let processor = "x86-64"
#else
let processor = "aarch64"
#endif
let natives = URL(fileURLWithPath: "\(Context.packageDirectory)/../target/bindings/natives/\(system)-\(processor)")
    .standardizedFileURL.path

/// Where the linker finds it, and then the program: flags that SwiftPM takes from packages in a folder, as this is one
/// then. A library that lies beside the program is found as well.
let search = ["-L", natives, "-Xlinker", "-rpath", "-Xlinker", natives]

let ffi: Target =
    isFramework ? .binaryTarget(name: "ConnectoidFFI", path: framework) : .systemLibrary(name: "ConnectoidFFI")

let package = Package(
    name: "connectoid",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "Connectoid", targets: ["Connectoid"])],
    targets: [
        ffi,
        // What is generated is written for Swift 5.
        .target(name: "ConnectoidBindings", dependencies: ["ConnectoidFFI"], swiftSettings: [.swiftLanguageMode(.v5)]),
        .target(
            name: "Connectoid", dependencies: ["ConnectoidBindings"],
            linkerSettings: isFramework ? [] : [.unsafeFlags(search)]
        ),
        .executableTarget(name: "ConnectoidActor", dependencies: ["Connectoid"]),
        .target(name: "ConnectoidTestSupport", dependencies: ["Connectoid"], path: "Tests/Support"),
        .executableTarget(
            name: "ConnectoidFigures",
            dependencies: ["Connectoid", "ConnectoidBindings", "ConnectoidTestSupport"]
        ),
        .systemLibrary(name: "CMalloc", path: "Tests/CMalloc"),
        .testTarget(
            name: "ConnectoidTests",
            dependencies: [
                "Connectoid", "ConnectoidBindings", "ConnectoidTestSupport",
                .target(name: "CMalloc", condition: .when(platforms: [.linux])),
            ]
        ),
    ]
)
