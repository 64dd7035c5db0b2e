// swift-tools-version: 6.0

import Foundation
import PackageDescription

/// The library for Apple's platforms, as `cargo xtask package apple` makes it.
let framework = "Artifacts/ConnectoidFFI.xcframework"

/// Elsewhere, the library is built from this repository and found by the linker: `cargo xtask swift` says where.
let ffi: Target =
    FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/\(framework)")
    ? .binaryTarget(name: "ConnectoidFFI", path: framework)
    : .systemLibrary(name: "ConnectoidFFI")

let package = Package(
    name: "connectoid",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "Connectoid", targets: ["Connectoid"])],
    targets: [
        ffi,
        // What is generated is written for Swift 5.
        .target(name: "ConnectoidBindings", dependencies: ["ConnectoidFFI"], swiftSettings: [.swiftLanguageMode(.v5)]),
        .target(name: "Connectoid", dependencies: ["ConnectoidBindings"]),
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
