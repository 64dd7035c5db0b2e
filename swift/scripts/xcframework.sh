#!/bin/sh
# Builds the library for Apple's platforms and packs it as swift/Artifacts/ConnectoidFFI.xcframework, which
# Package.swift uses if it is there. Needs macOS with Xcode and rustup. The project's CI runs on Linux: it checks that
# this script is well-formed and that the library type-checks for iOS, and does not run it.
#
# The library is a dynamic one: a static one would show all that is inside to the app, whose own use of SQLite would
# then find ours, which lacks what we do not need.
#
#   swift/scripts/xcframework.sh            # build and pack
#   swift/scripts/xcframework.sh --zip      # and zip it for a release, with the checksum for `.binaryTarget(url:)`
set -eu
cd "$(dirname "$0")/../.."

name=ConnectoidFFI
targets="aarch64-apple-ios aarch64-apple-ios-sim x86_64-apple-ios aarch64-apple-darwin x86_64-apple-darwin"
artifacts=swift/Artifacts
xcframework=$artifacts/$name.xcframework
stage=target/xcframework
# As in xtask/src/package/mod.rs, in bytes.
max_library=8388608

# As in Package.swift.
export IPHONEOS_DEPLOYMENT_TARGET=16.0
export MACOSX_DEPLOYMENT_TARGET=13.0

for tool in cargo rustup xcodebuild lipo install_name_tool nm; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }
done

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
[ -n "$version" ] || { echo "Cargo.toml has no version" >&2; exit 1; }

built() { echo "target/$1/embedded/libconnectoid_ffi.dylib"; }

# Holds a library against its budget and what it may show.
check() {
    length=$(wc -c <"$1")
    echo "$1: $((length / 1024)) KiB"
    [ "$length" -le "$max_library" ] || { echo "$1 has more than $max_library bytes" >&2; exit 1; }
    foreign=$(nm -gUj "$1" | grep -v -e '^_ffi_connectoid_ffi_' -e '^_uniffi_' -e '^_UNIFFI_META_' || true)
    [ -z "$foreign" ] || { echo "$1 exports $foreign" >&2; exit 1; }
}

# framework FOLDER CONTENTS RESOURCES PLATFORM MINIMUM LIBRARY…: a framework of libraries for several processors.
framework() {
    contents=$stage/$1/$name.framework$2
    resources=$contents$3
    mkdir -p "$contents/Headers" "$contents/Modules" "$resources"
    platform=$4
    minimum=$5
    install_name=@rpath/$name.framework$2/$name
    shift 5
    lipo -create "$@" -output "$contents/$name"
    install_name_tool -id "$install_name" "$contents/$name"
    cp "swift/Sources/$name/$name.h" "$contents/Headers/"
    cat >"$contents/Modules/module.modulemap" <<END
framework module $name {
    header "$name.h"
    export *
}
END
    cat >"$resources/Info.plist" <<END
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
    <key>CFBundleExecutable</key><string>$name</string>
    <key>CFBundleIdentifier</key><string>io.github.connectoid.ffi</string>
    <key>CFBundleInfoDictionaryVersion</key><string>6.0</string>
    <key>CFBundleName</key><string>$name</string>
    <key>CFBundlePackageType</key><string>FMWK</string>
    <key>CFBundleShortVersionString</key><string>$version</string>
    <key>CFBundleSupportedPlatforms</key><array><string>$platform</string></array>
    <key>CFBundleVersion</key><string>$version</string>
    <key>MinimumOSVersion</key><string>$minimum</string>
</dict>
</plist>
END
    cp target/packages/THIRD-PARTY.txt "$resources/"
    # SQLite asks when files in the app's own container were changed; nothing leaves the device.
    cat >"$resources/PrivacyInfo.xcprivacy" <<END
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
    <key>NSPrivacyTracking</key><false/>
    <key>NSPrivacyTrackingDomains</key><array/>
    <key>NSPrivacyCollectedDataTypes</key><array/>
    <key>NSPrivacyAccessedAPITypes</key>
    <array>
        <dict>
            <key>NSPrivacyAccessedAPIType</key><string>NSPrivacyAccessedAPICategoryFileTimestamp</string>
            <key>NSPrivacyAccessedAPITypeReasons</key><array><string>C617.1</string></array>
        </dict>
    </array>
</dict>
</plist>
END
}

# What is generated for Swift, from a library of this machine; then the library of every platform.
cargo xtask natives
cargo xtask package notices
# shellcheck disable=SC2086
rustup target add $targets
for target in $targets; do
    # Alone: with all its kinds at once it cannot be optimized as a whole.
    cargo rustc --profile embedded --package connectoid-ffi --crate-type cdylib --target "$target"
    check "$(built "$target")"
done

rm -rf "$stage" "$xcframework"
mkdir -p "$artifacts"
framework ios "" "" iPhoneOS "$IPHONEOS_DEPLOYMENT_TARGET" "$(built aarch64-apple-ios)"
framework simulator "" "" iPhoneSimulator "$IPHONEOS_DEPLOYMENT_TARGET" \
    "$(built aarch64-apple-ios-sim)" "$(built x86_64-apple-ios)"
# On macOS, a framework has versions.
framework macos /Versions/A /Resources MacOSX "$MACOSX_DEPLOYMENT_TARGET" \
    "$(built aarch64-apple-darwin)" "$(built x86_64-apple-darwin)"
ln -s A "$stage/macos/$name.framework/Versions/Current"
for part in "$name" Headers Modules Resources; do
    ln -s "Versions/Current/$part" "$stage/macos/$name.framework/$part"
done

xcodebuild -create-xcframework \
    -framework "$stage/ios/$name.framework" \
    -framework "$stage/simulator/$name.framework" \
    -framework "$stage/macos/$name.framework" \
    -output "$xcframework"
echo "made $xcframework"

if [ "${1:-}" = --zip ]; then
    ditto -c -k --sequesterRsrc --keepParent "$xcframework" "$xcframework.zip"
    swift package --package-path swift compute-checksum "Artifacts/$name.xcframework.zip"
fi
