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
Stream<List<RecordChange>> changesOf(Connection connection, Object owner, ChangesCall call) =>
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

      _follow(connection, owner, call, controller, (changes) {
        complete = complete || changes.isEmpty;
        for (final change in changes) {
          // What is newer stands where it came.
          waiting.remove(change.id);
          waiting[change.id] = change;
        }
        tell();
      }, onLast: () => tell(last: true));
      controller.onResume = tell;
    });

/// The whole list of a collection, again and again.
Stream<List<Record>> snapshotsOf(Connection connection, Object owner, ChangesCall call) =>
    Stream.multi((controller) {
      final records = SplayTreeMap<String, Record>(byCodePoint);
      var (complete, changed) = (false, false);
      void tell({bool last = false}) {
        if (!complete || !changed || (controller.isPaused && !last)) return;
        changed = false;
        controller.addSync(records.values.toList());
      }

      _follow(connection, owner, call, controller, (changes) {
        // That everything was read again is no news.
        changed = changed || changes.isNotEmpty || !complete;
        complete = complete || changes.isEmpty;
        for (final RecordChange(:id, :record) in changes) {
          record == null ? records.remove(id) : records[id] = record;
        }
        tell();
      }, onLast: () => tell(last: true));
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

/// Follows a collection until the listener cancels, the node is closed, or reading fails.
void _follow(
  Connection connection,
  Object owner,
  ChangesCall call,
  MultiStreamController<Object?> controller,
  void Function(List<RecordChange> changes) onChanges, {

  /// Nothing follows: what was held back for a listener that is paused is told, and waits for it.
  required void Function() onLast,
}) {
  if (connection.isClosed) return _refuse(controller);
  var cancelled = false;
  final end = connection.follow(
    owner,
    call,
    onPage: (page) {
      if (!cancelled) onChanges(page.records);
    },
    onEnd: (failure) {
      if (cancelled) return;
      onLast();
      if (failure is! ClosedException && failure is! CancelledException) controller.addErrorSync(failure);
      controller.closeSync();
    },
  );
  controller.onCancel = () {
    cancelled = true;
    return end();
  };
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
