// Bundles `libconnectoid` with the app: Dart and Flutter run this when they build one.
//
// The libraries were built before, with `cargo xtask package flutter`, and lie in `native/`. For Windows there is none:
// an app that is built or tested there begins, and opening a node fails. An app can name another file for a platform in
// its own pubspec:
//
//     hooks:
//       user_defines:
//         connectoid:
//           library_linux_x64: path/to/libconnectoid.so

import 'dart:io';

import 'package:code_assets/code_assets.dart';
import 'package:hooks/hooks.dart';

/// The oldest Android whose system libraries have what the library is linked against.
const oldestAndroid = 26;

Future<void> main(List<String> arguments) => build(arguments, (input, output) async {
  if (!input.config.buildCodeAssets) return;
  final code = input.config.code;
  final system = code.targetOS;
  if (system == OS.android && code.android.targetNdkApi < oldestAndroid) {
    throw BuildError(
      message: 'package:connectoid needs `minSdk = $oldestAndroid` in android/app/build.gradle.kts.',
    );
  }
  final simulator = system == OS.iOS && code.iOS.targetSdk == IOSSdk.iPhoneSimulator;
  final folder = '${system.name}_${code.targetArchitecture.name}${simulator ? '_simulator' : ''}';
  final library =
      input.userDefines.path('library_$folder') ??
      input.packageRoot.resolve('native/$folder/${system.dylibFileName('connectoid')}');
  output.dependencies.add(library);
  if (!File.fromUri(library).existsSync()) {
    if (system == OS.windows) return;
    throw BuildError(
      message:
          'package:connectoid has no library for $folder. Build it with Rust, and name the file as `library_$folder` in '
          'the user_defines of your pubspec: see its README, "Building".',
    );
  }
  output.assets.code.add(
    CodeAsset(
      package: input.packageName,
      name: 'src/native.dart',
      linkMode: DynamicLoadingBundled(),
      file: library,
    ),
  );
});
