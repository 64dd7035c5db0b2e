import 'package:flutter/material.dart';

import 'backend.dart';
import 'home_page.dart';

void main() => runApp(const ShoppingListApp());

/// Opens the node and shows the list.
class ShoppingListApp extends StatefulWidget {
  const ShoppingListApp({super.key});

  @override
  State<ShoppingListApp> createState() => _ShoppingListAppState();
}

class _ShoppingListAppState extends State<ShoppingListApp> {
  late Future<Backend> _opening = Backend.open();

  @override
  void dispose() {
    // An error of opening was shown.
    _opening.then((backend) => backend.close(), onError: (_) {}).ignore();
    super.dispose();
  }

  @override
  Widget build(BuildContext context) => MaterialApp(
    title: 'Shopping list',
    theme: ThemeData(colorSchemeSeed: Colors.teal),
    // A new try is a new builder: the old one would show its error meanwhile.
    home: FutureBuilder(
      key: ObjectKey(_opening),
      future: _opening,
      builder: (context, opening) => switch (opening) {
        AsyncSnapshot(:final data?) => HomePage(backend: data),
        AsyncSnapshot(:final error?) => _Failed(
          error: error,
          retry: () => setState(() {
            _opening = Backend.open();
          }),
        ),
        _ => const Scaffold(body: Center(child: CircularProgressIndicator())),
      },
    ),
  );
}

class _Failed extends StatelessWidget {
  const _Failed({required this.error, required this.retry});

  final Object error;
  final VoidCallback retry;

  @override
  Widget build(BuildContext context) => Scaffold(
    body: Center(
      child: Column(
        mainAxisSize: MainAxisSize.min,
        children: [
          Text(describe(error), textAlign: TextAlign.center),
          FilledButton(onPressed: retry, child: const Text('Try again')),
        ],
      ),
    ),
  );
}
