/// What is said to the library and by it, beyond what apps see.
library;

import 'dart:typed_data';

import 'json.dart';
import 'model.dart';

part 'generated/calls.g.dart';
part 'generated/replies.g.dart';
