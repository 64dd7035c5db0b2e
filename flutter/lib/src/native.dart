/// The functions of `libconnectoid`, as in `connectoid.h`, and how they are found.
@DefaultAsset('package:connectoid/src/native.dart')
library;

import 'dart:convert';
import 'dart:ffi';
import 'dart:io';
import 'dart:math';
import 'dart:typed_data';

import 'memory.dart';
import 'model.dart';

/// What a node says: `connectoid_message`.
final class NativeMessage extends Struct {
  /// What it is: `connectoid_kind`.
  @Uint32()
  external int kind;

  /// The node that says it.
  @Size()
  external int node;

  /// Which call it answers.
  @Uint64()
  external int id;

  /// UTF-8.
  external Pointer<Uint8> json;

  /// Without the NUL.
  @Size()
  external int jsonLength;

  /// Null if there are none.
  external Pointer<Uint8> bytes;

  /// How many.
  @Size()
  external int bytesLength;
}

typedef _VersionC = Pointer<Uint8> Function();
typedef _OpenC = Size Function(Uint64, Pointer<Uint8>, Size, Pointer<Void>, Int64);
typedef _Open = int Function(int, Pointer<Uint8>, int, Pointer<Void>, int);
typedef _LogC = Size Function(Uint32, Pointer<Void>, Int64);
typedef _Log = int Function(int, Pointer<Void>, int);
typedef _CallC = Uint32 Function(Size, Uint64, Pointer<Uint8>, Size, Pointer<Uint8>, Size);
typedef _Call = int Function(int, int, Pointer<Uint8>, int, Pointer<Uint8>, int);
typedef _OfIdC = Uint32 Function(Size, Uint64);
typedef _OfId = int Function(int, int);
typedef _ReleaseC = Uint32 Function(Size);
typedef _Release = int Function(int);
typedef _FreeC = Void Function(Pointer<NativeMessage>);
typedef _Free = void Function(Pointer<NativeMessage>);
typedef _LastErrorC = Pointer<NativeMessage> Function();

@Native<_VersionC>(symbol: 'connectoid_version')
external Pointer<Uint8> _version();

@Native<_OpenC>(symbol: 'connectoid_open_dart')
external int _open(int id, Pointer<Uint8> json, int length, Pointer<Void> post, int port);

@Native<_LogC>(symbol: 'connectoid_follow_log_dart')
external int _follow(int level, Pointer<Void> post, int port);

@Native<_CallC>(symbol: 'connectoid_call')
external int _call(int node, int id, Pointer<Uint8> json, int length, Pointer<Uint8> bytes, int count);

@Native<_CallC>(symbol: 'connectoid_complete')
external int _complete(int node, int id, Pointer<Uint8> bytes, int count, Pointer<Uint8> error, int length);

@Native<_OfIdC>(symbol: 'connectoid_cancel')
external int _cancel(int node, int id);

@Native<_OfIdC>(symbol: 'connectoid_close')
external int _close(int node, int id);

@Native<_ReleaseC>(symbol: 'connectoid_release')
external int _release(int node);

@Native<_FreeC>(symbol: 'connectoid_free')
external void _free(Pointer<NativeMessage> message);

@Native<_LastErrorC>(symbol: 'connectoid_last_error')
external Pointer<NativeMessage> _lastError();

/// The library.
final class Library {
  /// That which the build hook has bundled.
  Library._bundled()
    : _versionOf = _version,
      _openNode = _open,
      _followLog = _follow,
      _callNode = _call,
      _completeRequest = _complete,
      _cancelCall = _cancel,
      _closeNode = _close,
      _releaseNode = _release,
      free = _free,
      _takeLastError = _lastError,
      releasing = Native.addressOf<NativeFunction<_ReleaseC>>(_release).cast();

  /// That of a file.
  Library._of(DynamicLibrary file)
    : _versionOf = file.lookupFunction<_VersionC, _VersionC>('connectoid_version'),
      _openNode = file.lookupFunction<_OpenC, _Open>('connectoid_open_dart'),
      _followLog = file.lookupFunction<_LogC, _Log>('connectoid_follow_log_dart'),
      _callNode = file.lookupFunction<_CallC, _Call>('connectoid_call'),
      _completeRequest = file.lookupFunction<_CallC, _Call>('connectoid_complete'),
      _cancelCall = file.lookupFunction<_OfIdC, _OfId>('connectoid_cancel'),
      _closeNode = file.lookupFunction<_OfIdC, _OfId>('connectoid_close'),
      _releaseNode = file.lookupFunction<_ReleaseC, _Release>('connectoid_release'),
      free = file.lookupFunction<_FreeC, _Free>('connectoid_free'),
      _takeLastError = file.lookupFunction<_LastErrorC, _LastErrorC>('connectoid_last_error'),
      releasing = file.lookup<NativeFinalizerFunction>('connectoid_release');

  /// The library of this process; each isolate looks for it when it opens its first node.
  static final Library instance = _find();

  /// Names a file to be used instead of what the build hook has bundled.
  static const environmentVariable = 'CONNECTOID_LIBRARY';

  /// The version that goes with this package: equal minor versions do.
  static const _wanted = '0.1.';

  final Pointer<Uint8> Function() _versionOf;
  final _Open _openNode;
  final _Log _followLog;
  final _Call _callNode;
  final _Call _completeRequest;
  final _OfId _cancelCall;
  final _OfId _closeNode;
  final _Release _releaseNode;
  final Pointer<NativeMessage> Function() _takeLastError;

  /// Frees a message.
  final _Free free;

  /// Releases a node, for a finalizer: its token is the node. What it returns, nobody looks at.
  final Pointer<NativeFinalizerFunction> releasing;

  static Library _find() {
    final file = Platform.environment[environmentVariable];
    final library =
        file == null || file.isEmpty ? Library._bundled() : Library._of(DynamicLibrary.open(file));
    final version = library.version;
    if (!version.startsWith(_wanted)) {
      throw UnsupportedError('libconnectoid is of version $version; this package needs ${_wanted}x');
    }
    return library;
  }

  /// The library's version.
  String get version {
    final text = _versionOf();
    var length = 0;
    while (text[length] != 0) {
      length++;
    }
    return utf8.decode(text.asTypedList(length));
  }

  /// Opens a node whose messages go to a port of this isolate. Returns its number.
  int open(int id, Uint8List settings, int port) {
    final post = NativeApi.postCObject.cast<Void>();
    final node = lend(settings, (json, length) => _openNode(id, json, length, post, port));
    return node == 0 ? throw _failure() : node;
  }

  /// Has the lines of the log go to a port of this isolate, up to a level: 1 is the first. Returns the log's number, to
  /// be released as a node's.
  int followLog(int level, int port) {
    final log = _followLog(level, NativeApi.postCObject.cast<Void>(), port);
    return log == 0 ? throw _failure() : log;
  }

  /// Makes a call.
  void call(int node, int id, Uint8List json, Uint8List bytes) => _check(
    lend(
      json,
      (json, length) => lend(bytes, (bytes, count) => _callNode(node, id, json, length, bytes, count)),
    ),
  );

  /// Takes a call back. It may have been answered already.
  void cancel(int node, int id) => _cancelCall(node, id);

  /// Answers a request. Nobody may wait for the answer any more.
  void complete(int node, int id, Uint8List bytes) =>
      lend(bytes, (bytes, count) => _completeRequest(node, id, bytes, count, nullptr, 0));

  /// Fails a request.
  void fail(int node, int id, String reason) {
    // Too long a text would be refused, and the library wait for ever.
    final text = utf8.encode(reason.isEmpty ? 'it failed' : reason.substring(0, min(reason.length, 1000)));
    lend(text, (error, length) => _completeRequest(node, id, nullptr, 0, error, length));
  }

  /// Closes a node.
  void close(int node, int id) => _check(_closeNode(node, id));

  /// Gives a node back. A finalizer may have done so before.
  void release(int node) => _releaseNode(node);

  void _check(int status) {
    if (status != 0) throw _failure();
  }

  /// Why the last function failed, on this thread.
  ConnectoidException _failure() {
    final message = _takeLastError();
    if (message == nullptr) return const InternalException('the library failed and does not say why');
    try {
      final text = utf8.decode(message.ref.json.asTypedList(message.ref.jsonLength));
      return switch (jsonDecode(text)) {
        {'status': 3, 'message': final String message} => ClosedException(message),
        {'status': 7, 'message': final String message} => InternalException(message),
        {'message': final String message} => UsageException(message),
        _ => InternalException(text),
      };
    } finally {
      free(message);
    }
  }
}
