/// All tests, with the real library and service: `cargo xtask test` runs them.
///
/// The environment names the library (`CONNECTOID_LIBRARY`) and the program of the service (`CONNECTOID_SERVICE`). An
/// argument chooses the tests whose names have it in them.
library;

import 'dart:io';

import 'cancelling.dart';
import 'following.dart';
import 'key_store.dart';
import 'lifecycle.dart';
import 'log.dart';
import 'the_package.dart';
import 'records.dart';
import 'sharing.dart';
import 'src/runner.dart';
import 'typed.dart';

Future<void> main(List<String> arguments) async {
  packageTests();
  sharingTests();
  recordsTests();
  typedTests();
  followingTests();
  keyStoreTests();
  cancellingTests();
  lifecycleTests();
  logTests();
  exit(await runTests(arguments.join(' ')) ? 0 : 1);
}
