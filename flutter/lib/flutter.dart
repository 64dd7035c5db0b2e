/// What an app of Flutter tells its node: that it comes and goes, and that the network changes.
///
/// Nothing here needs Flutter itself, so that the package also serves programs without it: the watchers are functions
/// that Flutter, or a plugin, calls.
library;

import 'dart:async';
import 'dart:developer';

import 'src/model.dart';
import 'src/node.dart';

/// Tells a node whether the app is in front of its user: then it looks for news often, else seldom. Make one for each
/// node, when it is open:
///
/// ```dart
/// final watcher = AppStateWatcher(node);
/// final lifecycle = AppLifecycleListener(onStateChange: watcher.changed);
/// // The listener tells changes only, and the user may have left while the node was being opened.
/// if (WidgetsBinding.instance.lifecycleState case final state?) watcher.changed(state);
/// ```
///
/// The binding holds the listener, and so the node: dispose of the listener when the node is closed.
final class AppStateWatcher {
  /// Watches for a node.
  AppStateWatcher(Node node) : this.telling(node.setPace);

  /// Tells somebody else.
  AppStateWatcher.telling(this._tell);

  final Future<void> Function(Pace pace) _tell;
  Pace? _told;

  /// Takes a state: an `AppLifecycleState` of Flutter. Of the states without a window in front, `inactive` is one that
  /// passes: a call comes in, or the user looks at the notifications.
  void changed(Enum state) {
    final pace = switch (state.name) {
      'resumed' => Pace.foreground,
      'paused' || 'hidden' || 'detached' => Pace.background,
      _ => _told,
    };
    if (pace == null || pace == _told) return;
    _told = pace;
    unawaited(_inform(_tell(pace)));
  }
}

/// Tells a node when the device's network has changed (Wi-Fi to mobile, a VPN), so that open connections move over at
/// once instead of waiting for a silence. With the plugin `connectivity_plus`:
///
/// ```dart
/// final network = Connectivity().onConnectivityChanged.listen(NetworkWatcher(node).changed);
/// ```
///
/// That plugin tells kinds of networks: from one Wi-Fi to the next it tells nothing if the device is not without a
/// network in between. The subscription holds the node: cancel it when the node is closed.
final class NetworkWatcher {
  /// Watches for a node.
  NetworkWatcher(Node node) : this.telling(node.networkChanged);

  /// Tells somebody else.
  NetworkWatcher.telling(this._tell);

  final Future<void> Function() _tell;
  Object? _last;

  /// Takes what the network is now; the first is that with which the node began.
  void changed(Object? network) {
    final now = '$network';
    final before = _last;
    _last = now;
    if (before != null && before != now) unawaited(_inform(_tell()));
  }
}

/// For jobs that the system runs in the background.
extension BackgroundSync on Node {
  /// Looks for news and brings them in: completes when nothing has happened for [quiet], at the latest after [budget].
  /// The node is open before and after. Gives whether every peer is known to have all that this node has.
  Future<bool> syncInBackground({
    Duration budget = const Duration(minutes: 2),
    Duration quiet = const Duration(seconds: 15),
  }) async {
    final done = Completer<void>();
    void end() {
      if (!done.isCompleted) done.complete();
    }

    final limit = Timer(budget, end);
    var silence = Timer(quiet, end);
    final listening = events.listen((_) {
      silence.cancel();
      silence = Timer(quiet, end);
      // What ends the stream, `syncNow` throws as well.
    }, onError: (Object _) => end(), onDone: end);
    try {
      await syncNow();
      await done.future;
    } finally {
      limit.cancel();
      silence.cancel();
      await listening.cancel();
    }
    final paired = (await peers()).where((peer) => peer.state == PairState.paired);
    return paired.every((peer) => peer.groups.every((group) => group.lacks == 0));
  }
}

/// The platform tells things also while the app closes its node; then they are of no interest. What else goes wrong is
/// nothing that whoever calls the watcher could mend: it is logged.
Future<void> _inform(Future<void> told) async {
  try {
    await told;
  } on ClosedException {
    return;
  } on ConnectoidException catch (failure) {
    log('the node could not be told what the platform says', name: 'connectoid', error: failure);
  }
}
