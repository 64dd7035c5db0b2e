import 'dart:async';
import 'dart:collection';

import 'connection.dart';
import 'model.dart';
import 'protocol.dart';

/// How many events wait for a listener that is paused; then the oldest are dropped, and it gets a [ResyncEvent].
const maxWaitingEvents = 1024;

/// What happens on a node, from the moment at which somebody listens.
Stream<Event> eventsOf(Connection connection, Object owner) =>
    Stream.multi((controller) => _EventFollower(connection, controller).begin(owner), isBroadcast: true);

/// The changes of a collection.
Stream<List<RecordChange>> changesOf(Connection connection, Object owner, ObserveCall call) =>
    Stream.multi((controller) {
      final waiting = <String, RecordChange>{};
      var complete = false;
      void tell({bool last = false}) {
        if (controller.isPaused && !last) return;
        if (waiting.isNotEmpty) {
          final changes = waiting.values.toList();
          waiting.clear();
          controller.addSync(changes);
        }
        if (complete) {
          complete = false;
          controller.addSync(const []);
        }
      }

      _Follower(connection, owner, call, controller, (changes) {
        complete = complete || changes.isEmpty;
        for (final change in changes) {
          // What is newer stands where it came.
          waiting.remove(change.id);
          waiting[change.id] = change;
        }
        tell();
      }, onLast: () => tell(last: true)).begin();
      controller.onResume = tell;
    });

/// The whole list of a collection, again and again.
Stream<List<Record>> snapshotsOf(Connection connection, Object owner, ObserveCall call) =>
    Stream.multi((controller) {
      final records = SplayTreeMap<String, Record>(byCodePoint);
      var (complete, changed) = (false, false);
      void tell({bool last = false}) {
        if (!complete || !changed || (controller.isPaused && !last)) return;
        changed = false;
        controller.addSync(records.values.toList());
      }

      _Follower(connection, owner, call, controller, (changes) {
        complete = complete || changes.isEmpty;
        for (final RecordChange(:id, :record) in changes) {
          record == null ? records.remove(id) : records[id] = record;
        }
        changed = true;
        tell();
      }, onLast: () => tell(last: true)).begin();
      controller.onResume = tell;
    });

final class _EventFollower implements EventListener {
  _EventFollower(this._connection, this._controller);

  final Connection _connection;
  final MultiStreamController<Event> _controller;
  final Queue<Event> _waiting = Queue();
  bool _dropped = false;
  bool _ended = false;

  void begin(Object owner) {
    if (_connection.isClosed) return _refuse(_controller);
    _controller.onResume = _tell;
    _controller.onCancel = () => _connection.remove(this);
    _connection.add(this, owner);
  }

  @override
  void onEvent(Event event) {
    _waiting.add(event);
    if (_waiting.length > maxWaitingEvents) {
      _waiting.removeFirst();
      _dropped = true;
    }
    _tell();
  }

  @override
  void onEnd() {
    _ended = true;
    _tell();
  }

  void _tell() {
    while (_waiting.isNotEmpty && !_controller.isPaused) {
      if (_dropped) {
        _dropped = false;
        final Event(:sequence, :at) = _waiting.first;
        _controller.addSync(ResyncEvent(sequence: sequence - 1, at: at));
      } else {
        _controller.addSync(_waiting.removeFirst());
      }
    }
    if (_ended && _waiting.isEmpty) _controller.closeSync();
  }
}

/// Follows a collection. As long as there is no such group, there is nothing in it.
final class _Follower implements EventListener {
  _Follower(
    this._connection,
    this._owner,
    this._call,
    this._controller,
    this._onChanges, {
    required void Function() onLast,
  }) : _onLast = onLast;

  final Connection _connection;
  final Object _owner;
  final ObserveCall _call;
  final MultiStreamController<Object?> _controller;
  final void Function(List<RecordChange> changes) _onChanges;

  /// Nothing follows: what was held back for a listener that is paused is told, and waits for it.
  final void Function() _onLast;

  Future<void> Function() _end = Future.value;

  /// While there is no such group: whether it may have appeared since the library was asked.
  bool _appeared = false;
  bool _missing = false;
  bool _told = false;
  bool _cancelled = false;

  void begin() {
    if (_connection.isClosed) return _refuse(_controller);
    _controller.onCancel = () {
      _cancelled = true;
      _connection.remove(this);
      return _end();
    };
    _connection.add(this, _owner);
    _ask();
  }

  @override
  void onEvent(Event event) {
    if (event is! JoinedEvent && event is! ChangedEvent && event is! ResyncEvent) return;
    _appeared = true;
    if (_missing) _ask();
  }

  @override
  void onEnd() => _finish();

  void _finish([ConnectoidException? failure]) {
    _connection.remove(this);
    _onLast();
    if (failure != null) _controller.addErrorSync(failure);
    _controller.closeSync();
  }

  void _ask() {
    _appeared = _missing = false;
    _end = _connection.follow(
      _owner,
      _call,
      onPage: (page) {
        // There is such a group, so events are of no interest any more.
        _connection.remove(this);
        if (!_cancelled) _onChanges(page.records);
      },
      onEnd: _onFailure,
    );
  }

  void _onFailure(ConnectoidException failure) {
    if (_cancelled) return;
    switch (failure) {
      case ClosedException() || CancelledException():
        _finish();
      case UsageException() when _appeared:
        _ask();
      case UsageException():
        _missing = true;
        if (!_told) _onChanges(const []);
        _told = true;
      default:
        _finish(failure);
    }
  }
}

void _refuse(MultiStreamController<Object?> controller) {
  controller
    ..addError(const ClosedException('the node is closed'))
    ..close();
}

/// The order in which the library lists ids: that of their UTF-8, which is that of their code points.
int byCodePoint(String a, String b) {
  final length = a.length < b.length ? a.length : b.length;
  for (var at = 0; at < length; at++) {
    final (left, right) = (a.codeUnitAt(at), b.codeUnitAt(at));
    if (left != right) return _rank(left) - _rank(right);
  }
  return a.length - b.length;
}

/// Surrogates stand for code points above all others.
int _rank(int unit) => unit >= 0xD800 && unit < 0xE000 ? unit + 0x10000 : unit;
