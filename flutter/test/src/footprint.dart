/// What this process takes of the machine.
library;

import 'dart:io';

import 'runner.dart';

/// Files, threads and memory of this process, on Linux.
final class Footprint {
  Footprint.now()
    : files = Directory('/proc/self/fd').listSync(followLinks: false).length,
      threads = Directory('/proc/self/task').listSync().length,
      kibibytes = ProcessInfo.currentRss >> 10;

  /// Threads of Dart's own come and go.
  static const _slack = 8;

  /// What Dart's heap grows and shrinks by, and the allocator of C keeps.
  static const _slackKibibytes = 32 << 10;

  final int files;
  final int threads;
  final int kibibytes;

  /// That there is now no more than before. Nobody tells when the last thread of a node has ended, so this looks again.
  Future<void> hasNotGrown() async {
    final watch = Stopwatch()..start();
    while (true) {
      final now = Footprint.now();
      final grown =
          now.files > files + _slack ||
          now.threads > threads + _slack ||
          now.kibibytes > kibibytes + _slackKibibytes;
      if (!grown) return;
      check(watch.elapsed < patience, '$this before, $now now');
      await Future<void>.delayed(const Duration(milliseconds: 50));
    }
  }

  @override
  String toString() => '$files files, $threads threads, $kibibytes KiB';
}
