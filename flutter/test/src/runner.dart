/// A runner of tests, as small as this package needs one: it runs where no other package is to be had.
library;

import 'dart:async';
import 'dart:io';

import 'package:connectoid/src/json.dart';

typedef _Test = ({String name, FutureOr<void> Function() body});

final List<_Test> _tests = [];

/// Nothing takes this long unless it hangs.
const patience = Duration(seconds: 90);

/// Nor does a whole story, on a busy machine.
const longPatience = Duration(minutes: 8);

/// Adds a test.
void test(String name, FutureOr<void> Function() body) => _tests.add((name: name, body: body));

/// Runs all tests whose name has the [filter] in it, one after the other. Returns whether all passed.
Future<bool> runTests(String filter) async {
  var (passed, failed) = (0, 0);
  for (final (:name, :body) in _tests) {
    if (!name.contains(filter)) continue;
    final watch = Stopwatch()..start();
    final problem = await _run(body);
    stdout.writeln('${problem == null ? 'ok  ' : 'FAIL'} $name (${watch.elapsedMilliseconds} ms)');
    if (problem != null) stdout.writeln(problem);
    problem == null ? passed++ : failed++;
  }
  stdout.writeln('$passed passed, $failed failed');
  return failed == 0 && passed > 0;
}

/// Runs one test; an error that nobody waited for fails it too.
Future<String?> _run(FutureOr<void> Function() body) {
  final result = Completer<String?>();
  void fail(Object error, StackTrace trace) {
    if (!result.isCompleted) result.complete('$error\n$trace');
  }

  runZonedGuarded(() async {
    try {
      await Future(body).timeout(longPatience);
      if (!result.isCompleted) result.complete(null);
    } on Object catch (error, trace) {
      fail(error, trace);
    }
  }, fail);
  return result.future;
}

/// That something is as expected, in all its parts.
void expect(Object? actual, Object? expected, [String about = '']) {
  if (!deepEquals(actual, expected)) throw StateError('$about: $actual instead of $expected');
}

/// That something is so.
void check(bool condition, [Object? about = '']) {
  if (!condition) throw StateError('not so: $about');
}

/// That something fails in this way; returns how.
Future<E> fails<E extends Object>(Future<Object?> Function() body) async {
  try {
    await body();
  } on E catch (error) {
    return error;
  }
  throw StateError('it did not fail');
}
