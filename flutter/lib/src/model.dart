/// What apps read and write: errors, events, and what calls take and give.
library;

import 'dart:typed_data';

import 'json.dart';

part 'generated/events.g.dart';
part 'generated/exceptions.g.dart';
part 'generated/types.g.dart';

/// What is only its values: two of the same are equal.
abstract class Data {
  /// For what extends it.
  const Data();

  /// What it consists of.
  List<Object?> get values;

  /// The names in JSON of what is not to be seen in a text: secrets, and what is too long.
  Set<String> get hidden => const {};

  /// As JSON, to keep or to send elsewhere. Bytes are text in it, or, with [beside], added to that.
  Map<String, Object?> toJson([BytesBuilder? beside]);

  @override
  bool operator ==(Object other) =>
      other is Data && other.runtimeType == runtimeType && deepEquals(values, other.values);

  @override
  int get hashCode => Object.hash(runtimeType, deepHash(values));

  @override
  String toString() {
    final shown = toJson()..removeWhere((name, _) => hidden.contains(name));
    return '$runtimeType$shown';
  }
}

/// A record's fields by their names.
extension RecordFields on Record {
  /// A field; null if there is none.
  Object? operator [](String field) => fields[field];
}
