import 'dart:async';

/// What a call will give: a future whose work can be taken back.
///
/// ```dart
/// final sending = node.send('bob', data);   // waits until Bob's app has it
/// sending.cancel();                         // it is not sent any more; `await sending` throws CancelledException
/// await node.send('bob', data).timeout(const Duration(seconds: 5));   // the same after a time
/// ```
final class CancelableFuture<T> implements Future<T> {
  /// Made by the library.
  CancelableFuture(this._result, {required void Function() cancel, void Function(T value)? discard})
    : _cancel = cancel,
      _discard = discard;

  final Future<T> _result;
  final void Function() _cancel;

  /// What to do with a result that nobody will get.
  final void Function(T value)? _discard;

  /// Takes the call back: the work ends in the library, and the future fails with a `CancelledException`, unless the
  /// result is on its way. What was done stays done.
  void cancel() => _cancel();

  /// As [Future.timeout], but the work ends too: the call is cancelled.
  @override
  Future<T> timeout(Duration timeLimit, {FutureOr<T> Function()? onTimeout}) => _result.timeout(
    timeLimit,
    onTimeout: () {
      cancel();
      if (_discard case final discard?) _result.then(discard, onError: (_) {}).ignore();
      return onTimeout == null ? throw TimeoutException('the call was cancelled', timeLimit) : onTimeout();
    },
  );

  @override
  Future<R> then<R>(FutureOr<R> Function(T value) onValue, {Function? onError}) =>
      _result.then(onValue, onError: onError);

  @override
  Future<T> catchError(Function onError, {bool Function(Object error)? test}) =>
      _result.catchError(onError, test: test);

  @override
  Future<T> whenComplete(FutureOr<void> Function() action) => _result.whenComplete(action);

  @override
  Stream<T> asStream() => _result.asStream();
}
