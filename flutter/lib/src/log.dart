import 'dart:async';
import 'dart:collection';
import 'dart:convert';
import 'dart:ffi';
import 'dart:isolate';

import 'model.dart';
import 'native.dart';

/// What the SDK does, line by line, for the log of the app and for bug reports. A process has one, whatever nodes and
/// isolates it has.
///
/// ```dart
/// ConnectoidLog.follow(LogLevel.debug).listen((line) => print('${line.level.json} ${line.target}: ${line.message}'));
/// ```
abstract final class ConnectoidLog {
  /// What is said from the moment at which somebody listens, up to a level.
  ///
  /// Nothing is said of a link, key, address or value. If a listener falls behind by 1,024 lines, further ones are lost,
  /// and a line says how many. A subscription does not keep its isolate alive.
  static Stream<LogLine> follow(LogLevel level) =>
      Stream.multi((controller) => _Follower(level, controller).begin(), isBroadcast: true);
}

final class _Follower {
  _Follower(this._level, this._controller);

  static final _decoder = const Utf8Decoder().fuse(const JsonDecoder());

  final LogLevel _level;
  final MultiStreamController<LogLine> _controller;
  final Library _library = Library.instance;
  final RawReceivePort _port = RawReceivePort(null, 'connectoid log');

  /// The addresses of messages that came while the listener was paused; the library counts them.
  final Queue<int> _waiting = Queue();
  late final int _log;

  void begin() {
    _port
      ..handler = _receive
      ..keepIsolateAlive = false;
    try {
      _log = _library.followLog(_level.index + 1, _port.sendPort.nativePort);
    } on Object catch (error, trace) {
      _port.close();
      _controller
        ..addError(error, trace)
        ..close();
      return;
    }
    _controller
      ..onResume = _tell
      ..onCancel = _end;
  }

  void _receive(int address) {
    _waiting.add(address);
    _tell();
  }

  void _tell() {
    while (_waiting.isNotEmpty && !_controller.isPaused) {
      final message = Pointer<NativeMessage>.fromAddress(_waiting.removeFirst());
      final Object? json;
      try {
        json = _decoder.convert(message.ref.json.asTypedList(message.ref.jsonLength));
      } finally {
        _library.free(message);
      }
      _controller.addSync(LogLine.fromJson(json! as Map<String, Object?>));
    }
  }

  void _end() {
    _library.release(_log);
    _port.close();
    while (_waiting.isNotEmpty) {
      _library.free(Pointer.fromAddress(_waiting.removeFirst()));
    }
  }
}
