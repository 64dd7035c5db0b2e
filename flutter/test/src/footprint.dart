/// What this process takes of the machine.
library;

import 'dart:ffi';
import 'dart:io';

import 'runner.dart';

/// Files, threads and memory of this process, on Linux. The memory is what C's allocator has handed out: all of the
/// library's, and of Dart's what is not in its heap.
final class Footprint {
  Footprint.now()
    : files = Directory('/proc/self/fd').listSync(followLinks: false).length,
      threads = Directory('/proc/self/task').listSync().length,
      kibibytes = _allocated >> 10;

  /// Threads of Dart's own come and go.
  static const _slack = 8;

  /// What Dart compiles and caches.
  static const _slackKibibytes = 1 << 10;

  static int get _allocated {
    final info = _mallinfo();
    return info.inUse + info.mapped;
  }

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
      if (!grown) return print('footprint: $this before, $now after');
      check(watch.elapsed < patience, '$this before, $now now');
      await Future<void>.delayed(const Duration(milliseconds: 50));
    }
  }

  @override
  String toString() => '$files files, $threads threads, $kibibytes KiB';
}

/// `struct mallinfo2` of glibc's `malloc.h`.
final class _Mallinfo extends Struct {
  @Size()
  external int arena;
  @Size()
  external int freeChunks;
  @Size()
  external int fastChunks;
  @Size()
  external int mappedRegions;

  /// Bytes in memory that was mapped for one allocation each.
  @Size()
  external int mapped;
  @Size()
  external int unused;
  @Size()
  external int fastFree;

  /// Bytes in use otherwise, in all arenas.
  @Size()
  external int inUse;
  @Size()
  external int free;
  @Size()
  external int releasable;
}

final _mallinfo = DynamicLibrary.process().lookupFunction<_Mallinfo Function(), _Mallinfo Function()>('mallinfo2');
