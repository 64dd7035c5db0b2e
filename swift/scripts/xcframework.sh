#!/bin/sh
# Packs the libraries for Apple's platforms as swift/Artifacts/ConnectoidFFI.xcframework, which Package.swift uses if it is
# there, and zips it for a release. `cargo xtask package apple` builds them and calls this. Needs macOS with Xcode. The
# project's CI runs on Linux: it checks that this script is well-formed and that the library type-checks for iOS, and does
# not run it.
#
# The library is a dynamic one: a static one would show all that is inside to the app, whose own use of SQLite would
# then find ours, which lacks what we do not need.
set -eu
cd "$(dirname "$0")/../.."

name=ConnectoidFFI
artifacts=swift/Artifacts
xcframework=$artifacts/$name.xcframework
stage=target/xcframework
# For these, the libraries were built.
: "${IPHONEOS_DEPLOYMENT_TARGET:?cargo xtask package apple sets it}"
: "${MACOSX_DEPLOYMENT_TARGET:?cargo xtask package apple sets it}"

for tool in xcodebuild lipo install_name_tool ditto swift; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }
done

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
[ -n "$version" ] || { echo "Cargo.toml has no version" >&2; exit 1; }

built() { echo "target/$1/embedded/libconnectoid_ffi.dylib"; }

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
ditto -c -k --sequesterRsrc --keepParent "$xcframework" "$xcframework.zip"
echo "made $xcframework.zip; its checksum for .binaryTarget(url:) is"
swift package --package-path swift compute-checksum "Artifacts/$name.xcframework.zip"
