import 'dart:async';
import 'dart:convert';
import 'dart:ffi';
import 'dart:isolate';
import 'dart:typed_data';

import 'cancelable_future.dart';
import 'json.dart';
import 'key_store.dart';
import 'model.dart';
import 'native.dart';
import 'protocol.dart';

/// What a message is: `connectoid_kind`.
const _reply = 1, _failure = 2, _event = 3, _page = 4, _request = 5;

/// The bytes of a master secret.
const _secretLength = 32;

/// Takes what happens.
abstract interface class EventListener {
  /// Something happened.
  void onEvent(Event event);

  /// The node is closed, or something cannot be read.
  void onEnd();
}

/// A call that waits for its answer.
final class _Pending {
  _Pending(this.owner, this.onReply, this.onFailure, this.onPage);

  /// Not collected as long as the call waits.
  final Object? owner;
  final void Function(Map<String, Object?> json, Uint8List? beside) onReply;
  final void Function(ConnectoidException failure) onFailure;
  final void Function(Page page)? onPage;
}

/// What lies between a `Node` and the library: calls and their answers, events, requests.
///
/// The library posts messages to a port of this isolate. A port can be dead without harm, unlike a callback: when an
/// isolate ends, is killed, or is restarted by Flutter's tools, messages that it does not take any more are freed and
/// the node is closed.
///
/// The port keeps this object alive, and this does not know its `Node`, so that a node that an app has lost can be
/// found out, except while somebody waits for it.
final class Connection {
  Connection._(this._library, this._keyStore) : _zone = Zone.current;

  /// The number of the first call, which opens the node.
  static const _opening = 1;

  static final _decoder = const Utf8Decoder().fuse(const JsonDecoder());
  static final _encoder = JsonUtf8Encoder();

  final Library _library;
  final KeyStore? _keyStore;

  /// That in which the node was opened: the key store is asked in it.
  final Zone _zone;
  final RawReceivePort _port = RawReceivePort(null, 'connectoid');
  final Map<int, _Pending> _pending = {};
  final Map<EventListener, Object?> _listeners = Map.identity();
  late final int _node;
  int _lastId = _opening;
  bool _closed = false;
  Future<void>? _closing;

  /// Opens a node.
  static CancelableFuture<T> open<T>(
    Settings settings,
    KeyStore? keyStore, {
    required T Function(Connection connection, String userId) opened,
    required void Function(T value) discard,
  }) {
    final Connection connection;
    try {
      connection = Connection._(Library.instance, keyStore).._open(settings);
    } on Object catch (error, trace) {
      // There is no library, or one of another version, or it takes no such settings.
      return CancelableFuture(Future.error(error, trace), cancel: () {});
    }
    final result = Completer<T>();
    connection._wait(
      _opening,
      _Pending(
        null,
        (json, _) => result.complete(opened(connection, UserReply.fromJson(json).id)),
        (failure) {
          connection._end();
          result.completeError(failure);
        },
        null,
      ),
    );
    return CancelableFuture(result.future, cancel: () => connection._cancel(_opening), discard: discard);
  }

  void _open(Settings settings) {
    _port.handler = _receive;
    try {
      final json = {...settings.toJson(), 'host_key_store': _keyStore != null};
      _node = _library.open(_opening, _encode(json), _port.sendPort.nativePort);
    } on Object {
      _port.close();
      rethrow;
    }
  }

  /// The number by which the library knows the node.
  int get handle => _node;

  /// Whether the node is closed, or being closed.
  bool get isClosed => _closed;

  /// Makes a call. The [owner] lives until it is answered.
  CancelableFuture<T> call<T>(
    Object owner,
    Call call,
    T Function(Map<String, Object?> json, Uint8List? beside) read,
  ) {
    final result = Completer<T>();
    final id = _begin(
      owner,
      call,
      onReply: (json, beside) {
        try {
          result.complete(read(json, beside));
        } on Object catch (error, trace) {
          result.completeError(_unreadable(error), trace);
        }
      },
      onFailure: result.completeError,
    );
    return CancelableFuture(result.future, cancel: () => _cancel(id));
  }

  /// Begins to follow a collection. Returns what ends it, which completes when it has ended.
  Future<void> Function() follow(
    Object owner,
    ChangesCall call, {
    required void Function(Page page) onPage,
    required void Function(ConnectoidException failure) onEnd,
  }) {
    final ended = Completer<void>();
    final id = _begin(
      owner,
      call,
      onPage: onPage,
      // There is none: it ends with a failure.
      onReply: (_, __) => ended.complete(),
      onFailure: (failure) {
        ended.complete();
        onEnd(failure);
      },
    );
    return () {
      _cancel(id);
      return ended.future;
    };
  }

  /// Begins to tell a listener what happens; the [owner] lives until [remove].
  void add(EventListener listener, Object owner) {
    _listeners[listener] = owner;
    _keepAlive();
  }

  /// Ends it.
  void remove(EventListener listener) {
    _listeners.remove(listener);
    _keepAlive();
  }

  /// Closes the node; completes when its folder is free.
  Future<void> close() => _closing ??= _close();

  Future<void> _close() {
    if (_closed) return Future.value();
    _closed = true;
    final done = Completer<void>();
    void end() {
      _end();
      done.complete();
    }

    final id = ++_lastId;
    _wait(id, _Pending(null, (_, __) => end(), (_) => end(), null));
    try {
      _library.close(_node, id);
    } on ConnectoidException {
      // It was released by its finalizer, or there are no threads: there will be no answer.
      _pending.remove(id);
      end();
    }
    return done.future;
  }

  /// The node was lost: nobody waits for anything any more.
  void abandon() {
    _closed = true;
    _end();
  }

  int _begin(
    Object owner,
    Call call, {
    required void Function(Map<String, Object?> json, Uint8List? beside) onReply,
    required void Function(ConnectoidException failure) onFailure,
    void Function(Page page)? onPage,
  }) {
    final id = ++_lastId;
    // As with every other failure, the caller has its future first.
    void fail(ConnectoidException failure) => scheduleMicrotask(() => onFailure(failure));
    if (_closed) {
      fail(const ClosedException('the node is closed'));
      return id;
    }
    try {
      final beside = BytesBuilder(copy: false);
      final json = _encode(call.toJson(beside));
      _library.call(_node, id, json, call.bytes ?? beside.takeBytes());
      _wait(id, _Pending(owner, onReply, onFailure, onPage));
    } on JsonUnsupportedObjectError catch (error) {
      fail(UsageException('this is no value of a record: ${error.cause ?? error.unsupportedObject.runtimeType}'));
    } on ConnectoidException catch (failure) {
      fail(failure);
    }
    return id;
  }

  Uint8List _encode(Map<String, Object?> json) => switch (_encoder.convert(json)) {
    final Uint8List bytes => bytes,
    final bytes => Uint8List.fromList(bytes),
  };

  void _cancel(int id) {
    if (_pending.containsKey(id)) _library.cancel(_node, id);
  }

  void _wait(int id, _Pending pending) {
    _pending[id] = pending;
    _keepAlive();
  }

  /// An isolate ends by itself when nobody waits for anything, also if it has an open node.
  void _keepAlive() {
    final needed = _pending.isNotEmpty || _listeners.isNotEmpty;
    if (needed != _port.keepIsolateAlive) _port.keepIsolateAlive = needed;
  }

  void _end() {
    _closed = true;
    _library.release(_node);
    _port.close();
    for (final listener in _listeners.keys.toList()) {
      listener.onEnd();
    }
    _listeners.clear();
    final waiting = _pending.values.toList();
    _pending.clear();
    for (final pending in waiting) {
      pending.onFailure(const ClosedException('the node is closed'));
    }
  }

  /// Takes a message: the address of one that belongs to this isolate now.
  void _receive(int address) {
    final pointer = Pointer<NativeMessage>.fromAddress(address);
    final message = pointer.ref;
    final (kind, id) = (message.kind, message.id);
    final Object? json;
    final Uint8List? beside;
    try {
      if (kind == _event && _listeners.isEmpty) return;
      json = _decoder.convert(message.json.asTypedList(message.jsonLength));
      beside =
          message.bytesLength == 0
              ? null
              : Uint8List.fromList(message.bytes.asTypedList(message.bytesLength));
    } finally {
      _library.free(pointer);
    }
    _take(kind, id, json as Map<String, Object?>, beside);
  }

  void _take(int kind, int id, Map<String, Object?> json, Uint8List? beside) {
    switch (kind) {
      case _reply:
        _answered(id)?.onReply(json, beside);
      case _failure:
        _answered(id)?.onFailure(ConnectoidException.fromJson(json));
      case _event:
        final event = Event.fromJson(json, beside);
        for (final listener in _listeners.keys.toList()) {
          listener.onEvent(event);
        }
      case _page:
        _pending[id]?.onPage?.call(Page.fromJson(json, beside));
      case _request:
        _zone.run(() => _answer(HostRequest.fromJson(json), id, beside).ignore());
    }
  }

  _Pending? _answered(int id) {
    final pending = _pending.remove(id);
    _keepAlive();
    return pending;
  }

  /// Asks the app for what the library asks it.
  Future<void> _answer(HostRequest request, int id, Uint8List? secret) async {
    try {
      switch ((request, _keyStore)) {
        case (LoadSecretRequest(), final keyStore?):
          final kept = await keyStore.load();
          // To the library, no bytes are no secret.
          if (kept != null && kept.length != _secretLength) {
            throw StateError('it gave ${kept.length} bytes instead of $_secretLength');
          }
          _library.complete(_node, id, kept ?? Uint8List(0));
        case (SaveSecretRequest(), final keyStore?):
          await keyStore.save(secret ?? Uint8List(0));
          _library.complete(_node, id, Uint8List(0));
        default:
          _library.fail(_node, id, 'this version of the package does not know the request');
      }
    } on Object catch (error) {
      // An Error of the app, not only an Exception: the library waits for an answer.
      _library.fail(_node, id, '$error');
    } finally {
      secret?.fillRange(0, secret.length, 0);
    }
  }
}

ConnectoidException _unreadable(Object error) =>
    InternalException('the library said what this package cannot read: $error');
