// Generated from bindings/c/schema.json by `cargo xtask bindings`.

part of '../model.dart';

/// Who is at fault.
enum Blame {
  /// The caller.
  usage,

  /// The other side, or the way to it.
  peer,

  /// The mailbox service, or the way to it.
  service,

  /// This device's storage.
  storage,

  /// This SDK.
  internal,
}

/// What went wrong. There is one class for each kind, which says what to do; the kinds are the same
/// in every language of this SDK.
///
/// Nothing in it is secret: no link, key or address.
sealed class ConnectoidException extends Data implements Exception {
  const ConnectoidException._(this.kind, this.message, this.blame);

  /// Makes one of a kind.
  factory ConnectoidException(String kind, String message) => switch (kind) {
    'usage' => UsageException(message),
    'link_malformed' => LinkMalformedException(message),
    'link_own' => LinkOwnException(message),
    'already_shared' => AlreadySharedException(message),
    'link_used' => LinkUsedException(message),
    'link_expired' => LinkExpiredException(message),
    'link_revoked' => LinkRevokedException(message),
    'link_closed' => LinkClosedException(message),
    'pair_lost' => PairLostException(message),
    'unanswered' => UnansweredException(message),
    'no_route' => NoRouteException(message),
    'peer_silent' => PeerSilentException(message),
    'peer_misbehaved' => PeerMisbehavedException(message),
    'version_mismatch' => VersionMismatchException(message),
    'service_unreachable' => ServiceUnreachableException(message),
    'service_refused' => ServiceRefusedException(message),
    'service_too_often' => ServiceTooOftenException(message),
    'clock_skew' => ClockSkewException(message),
    'storage_unavailable' => StorageUnavailableException(message),
    'storage_corrupt' => StorageCorruptException(message),
    'wrong_key' => WrongKeyException(message),
    'not_permitted' => NotPermittedException(message),
    'closed' => ClosedException(message),
    'timeout' => TimedOutException(message),
    'cancelled' => CancelledException(message),
    'internal' => InternalException(message),
    _ => UnknownException(kind, message),
  };

  /// Reads it from JSON.
  factory ConnectoidException.fromJson(Map<String, Object?> json) =>
      ConnectoidException(json['kind'] as String, json['message'] as String);

  /// The kind's name in every language: `link_used`, …
  final String kind;

  /// What went wrong and what to do, for people. In English; without secrets.
  final String message;

  /// Who is at fault.
  final Blame blame;

  @override
  List<Object?> get values => [kind, message];

  @override
  Map<String, Object?> toJson([BytesBuilder? beside]) => {'kind': kind, 'message': message};

  @override
  String toString() => '$runtimeType: $message';
}

/// The call itself is wrong: an unknown nickname, a malformed value. Fix the call.
final class UsageException extends ConnectoidException {
  /// Makes one.
  const UsageException(String message)
    : super._('usage', message, Blame.usage);
}

/// The text is no link, or the link is damaged. Ask for it again.
final class LinkMalformedException extends ConnectoidException {
  /// Makes one.
  const LinkMalformedException(String message)
    : super._('link_malformed', message, Blame.usage);
}

/// The user made the link, which is for somebody else to open. Send it to that person; the message
/// says whom.
final class LinkOwnException extends ConnectoidException {
  /// Makes one.
  const LinkOwnException(String message)
    : super._('link_own', message, Blame.usage);
}

/// The link was opened here before, and the two share already; the message says with whom. Nothing
/// to do.
final class AlreadySharedException extends ConnectoidException {
  /// Makes one.
  const AlreadySharedException(String message)
    : super._('already_shared', message, Blame.usage);
}

/// Somebody else opened the link first, or the same person on another device or in another app.
/// Else tell its sender; do not trust the messenger that carried it.
final class LinkUsedException extends ConnectoidException {
  /// Makes one.
  const LinkUsedException(String message)
    : super._('link_used', message, Blame.peer);
}

/// The link's time has run out. Ask for a new one.
final class LinkExpiredException extends ConnectoidException {
  /// Makes one.
  const LinkExpiredException(String message)
    : super._('link_expired', message, Blame.peer);
}

/// The link was taken back, or what was shared by it has ended. Ask for a new one.
final class LinkRevokedException extends ConnectoidException {
  /// Makes one.
  const LinkRevokedException(String message)
    : super._('link_revoked', message, Blame.peer);
}

/// The link's mailbox was closed, says the service. Ask for a new link.
final class LinkClosedException extends ConnectoidException {
  /// Makes one.
  const LinkClosedException(String message)
    : super._('link_closed', message, Blame.peer);
}

/// The peer uses another mailbox than this node knows: one of both was restored from an old copy,
/// or the peer stopped sharing. Unshare the peer and share a new link.
final class PairLostException extends ConnectoidException {
  /// Makes one.
  const PairLostException(String message)
    : super._('pair_lost', message, Blame.peer);
}

/// Nobody answered yet: the other side is offline. The SDK keeps trying. From `Node.send`: the app
/// there did not take it, or too many messages wait already; send it again later.
final class UnansweredException extends ConnectoidException {
  /// Makes one.
  const UnansweredException(String message)
    : super._('unanswered', message, Blame.peer);
}

/// Both sides answered, but no packets get through. Set STUN and TURN servers; the message says
/// which is missing.
final class NoRouteException extends ConnectoidException {
  /// Makes one.
  const NoRouteException(String message)
    : super._('no_route', message, Blame.peer);
}

/// The peer connected and then said nothing, or the connection was lost. Nothing to do: the SDK
/// tries again.
final class PeerSilentException extends ConnectoidException {
  /// Makes one.
  const PeerSilentException(String message)
    : super._('peer_silent', message, Blame.peer);
}

/// The peer broke the protocol, or could not prove who it is. If it stays so, ask the person, and
/// share anew.
final class PeerMisbehavedException extends ConnectoidException {
  /// Makes one.
  const PeerMisbehavedException(String message)
    : super._('peer_misbehaved', message, Blame.peer);
}

/// The peer's version and this one have nothing in common. Update the older one.
final class VersionMismatchException extends ConnectoidException {
  /// Makes one.
  const VersionMismatchException(String message)
    : super._('version_mismatch', message, Blame.peer);
}

/// No mailbox service could be reached. Check the network and the service's URL.
final class ServiceUnreachableException extends ConnectoidException {
  /// Makes one.
  const ServiceUnreachableException(String message)
    : super._('service_unreachable', message, Blame.service);
}

/// The service refuses: a wrong API key, or it is full. Check the key in the settings; ask the
/// operator.
final class ServiceRefusedException extends ConnectoidException {
  /// Makes one.
  const ServiceRefusedException(String message)
    : super._('service_refused', message, Blame.service);
}

/// The service asks to come back later. Nothing to do: the SDK does.
final class ServiceTooOftenException extends ConnectoidException {
  /// Makes one.
  const ServiceTooOftenException(String message)
    : super._('service_too_often', message, Blame.service);
}

/// This device's clock and the service's are far apart. Set the clock.
final class ClockSkewException extends ConnectoidException {
  /// Makes one.
  const ClockSkewException(String message)
    : super._('clock_skew', message, Blame.service);
}

/// The data folder cannot be used: no room, no permission, or in use by another node; or the key
/// store failed. The message says which. Mend that, and open again.
final class StorageUnavailableException extends ConnectoidException {
  /// Makes one.
  const StorageUnavailableException(String message)
    : super._('storage_unavailable', message, Blame.storage);
}

/// The data folder is damaged or incomplete, or written by a newer version. Update the app, or
/// restore a backup.
final class StorageCorruptException extends ConnectoidException {
  /// Makes one.
  const StorageCorruptException(String message)
    : super._('storage_corrupt', message, Blame.storage);
}

/// The key that opens the data folder is wrong or missing. Ask for the passphrase again; without
/// the key, the data is lost.
final class WrongKeyException extends ConnectoidException {
  /// Makes one.
  const WrongKeyException(String message)
    : super._('wrong_key', message, Blame.storage);
}

/// The user may not do this in this group: write as a reader, or share what is another's. Do not
/// offer it: groups tell the role.
final class NotPermittedException extends ConnectoidException {
  /// Makes one.
  const NotPermittedException(String message)
    : super._('not_permitted', message, Blame.usage);
}

/// The node was closed. Open it again.
final class ClosedException extends ConnectoidException {
  /// Makes one.
  const ClosedException(String message)
    : super._('closed', message, Blame.usage);
}

/// The key store did not answer within two minutes. Have the user unlock it, and open again. From
/// the command line also: nothing came of it in the time that was given.
final class TimedOutException extends ConnectoidException {
  /// Makes one.
  const TimedOutException(String message)
    : super._('timeout', message, Blame.storage);
}

/// The app took the call back. Nothing to do.
final class CancelledException extends ConnectoidException {
  /// Makes one.
  const CancelledException(String message)
    : super._('cancelled', message, Blame.usage);
}

/// A defect of this SDK. Please report it.
final class InternalException extends ConnectoidException {
  /// Makes one.
  const InternalException(String message)
    : super._('internal', message, Blame.internal);
}

/// A kind that this version of the package does not know. Update it.
final class UnknownException extends ConnectoidException {
  /// Makes one.
  const UnknownException(String kind, String message)
    : super._(kind, message, Blame.internal);
}
