/// Two apps find each other by a link sent in any messenger, connect directly, and keep their data the same, online or
/// not. Begin with [Node].
library;

export 'src/cancelable_future.dart' show CancelableFuture;
export 'src/collection.dart';
export 'src/json.dart' show RecordKey;
export 'src/key_store.dart' show KeyStore;
export 'src/log.dart' show ConnectoidLog;
export 'src/model.dart';
export 'src/node.dart' show Node;
