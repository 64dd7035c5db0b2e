#!/bin/sh
# Builds the library for Apple's platforms and packs it as swift/Artifacts/ConnectoidFFI.xcframework, which
# Package.swift uses if it is there. Needs macOS with Xcode and rustup. The project's CI runs on Linux: it checks that
# this script is well-formed and that the library type-checks for iOS, and does not run it.
#
#   swift/scripts/xcframework.sh            # build and pack
#   swift/scripts/xcframework.sh --zip      # and zip it for a release, with the checksum for `.binaryTarget(url:)`
set -eu
cd "$(dirname "$0")/../.."

crate=connectoid-ffi
library=libconnectoid_ffi.a
targets="aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios aarch64-apple-darwin x86_64-apple-darwin"
artifacts=swift/Artifacts
framework=$artifacts/ConnectoidFFI.xcframework
stage=target/xcframework

# As in Package.swift.
export IPHONEOS_DEPLOYMENT_TARGET=16.0
export MACOSX_DEPLOYMENT_TARGET=13.0

for tool in cargo rustup xcodebuild lipo; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }
done

# What is generated for Swift, from a library of this machine; then the library of every platform.
cargo xtask natives
# shellcheck disable=SC2086
rustup target add $targets
for target in $targets; do
    # Alone: with all its kinds at once it cannot be optimized as a whole.
    cargo rustc --profile embedded --package "$crate" --crate-type staticlib --target "$target"
done

rm -rf "$stage" "$framework"
mkdir -p "$stage/ios" "$stage/simulator" "$stage/macos" "$artifacts"

# In a folder of its own: Xcode puts the headers of all such frameworks of an app side by side.
headers=$stage/headers
mkdir -p "$headers/ConnectoidFFI"
cp swift/Sources/ConnectoidFFI/ConnectoidFFI.h "$headers/ConnectoidFFI/"
cat >"$headers/ConnectoidFFI/module.modulemap" <<'END'
module ConnectoidFFI {
    header "ConnectoidFFI.h"
    export *
}
END

built() { echo "target/$1/embedded/$library"; }
cp "$(built aarch64-apple-ios)" "$stage/ios/$library"
lipo -create "$(built aarch64-apple-ios-sim)" "$(built x86_64-apple-ios)" -output "$stage/simulator/$library"
lipo -create "$(built aarch64-apple-darwin)" "$(built x86_64-apple-darwin)" -output "$stage/macos/$library"

xcodebuild -create-xcframework \
    -library "$stage/ios/$library" -headers "$headers" \
    -library "$stage/simulator/$library" -headers "$headers" \
    -library "$stage/macos/$library" -headers "$headers" \
    -output "$framework"
echo "made $framework"

if [ "${1:-}" = --zip ]; then
    ditto -c -k --sequesterRsrc --keepParent "$framework" "$framework.zip"
    swift package --package-path swift compute-checksum "Artifacts/ConnectoidFFI.xcframework.zip"
fi
