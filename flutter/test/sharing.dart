import 'dart:convert';
import 'dart:typed_data';

import 'package:connectoid/connectoid.dart';

import 'src/runner.dart';
import 'src/support.dart';

void sharingTests() {
  test('two nodes share and keep their records the same', () => storyOfTwo((alice, bob) async {
    await alice.put('g', 'c', 'milk', {'count': 2});
    await bob.shows('milk', {'count': 2});
    await bob.put('g', 'c', 'milk', {'brand': 'oat'});
    await alice.shows('milk', {'count': 2, 'brand': 'oat'});

    final peer = (await alice.peers()).single;
    expect([peer.nickname, peer.user], ['bob', bob.userId]);
    expect([peer.state, peer.connection], [PairState.paired, PeerConnection.connected]);
    check(peer.groups.single.lastSyncedAt!.difference(DateTime.now()).abs() < patience);
    expect([peer.side, (await bob.peers()).single.side], [Side.creator, Side.opener]);
    final group = (await bob.groups()).single;
    expect([group.name, group.role], ['g', Role.writer]);
    final versions = await alice.history('g', 'c', 'milk');
    expect({for (final version in versions) version.field: version.nickname}, {'count': 'me', 'brand': 'bob'});
  }));

  test('a reader reads and does not write', () => storyOfTwo(role: Role.reader, (alice, bob) async {
    await alice.put('g', 'c', 'r', {'x': 1});
    await bob.shows('r', {'x': 1});
    final failure = await fails<NotPermittedException>(() => bob.put('g', 'c', 'r', {'x': 2}));
    expect([failure.kind, failure.blame], ['not_permitted', Blame.usage]);
    expect((await bob.groups()).single.role, Role.reader);
  }));

  test('groups have members', () => storyOfTwo((alice, bob) async {
    final id = await alice.createGroup('second');
    await fails<UsageException>(() => alice.createGroup('second'));
    final invited = bob.next<InvitedEvent>();
    await alice.addMember('bob', 'second', role: Role.reader);
    expect([(await invited).group, (await invited).nickname], [id, 'alice']);
    expect((await bob.groups()).last.acceptance, Acceptance.invited);
    final joined = bob.next<JoinedEvent>();
    await bob.acceptInvitation('alice/second');
    expect([(await joined).group, (await joined).name], [id, 'second']);
    final removed = bob.next<RemovedEvent>();
    await alice.removeMember('bob', 'second');
    expect((await removed).group, id);
    await fails<NotPermittedException>(() => alice.leaveGroup('second'));
    await bob.forgetGroup('second');
    expect((await bob.groups()).length, 1);
  }));

  test('messages of an app arrive and are confirmed', () => storyOfTwo((alice, bob) async {
    final data = Uint8List.fromList(List.generate(256 << 10, (at) => at * 31));
    final message = bob.next<MessageEvent>();
    await alice.send('bob', data);
    expect((await message).nickname, 'alice');
    expect((await message).data, data);
    check(!'${await message}'.contains('data'), await message);
    final empty = bob.next<MessageEvent>();
    await alice.send('bob', Uint8List(0));
    expect((await empty).data.length, 0);
    await fails<UsageException>(() => alice.send('bob', Uint8List((256 << 10) + 1)));
    await fails<UsageException>(() => alice.send('bob', Uint8List(2 << 20)));
    await fails<UsageException>(() => alice.send('carol', Uint8List(1)));
  }));

  test('both sides see the same emoji', () => storyOfTwo((alice, bob) async {
    final (atAlice, atBob) = (alice.next<EmojisEvent>(), bob.next<EmojisEvent>());
    await alice.verify('bob');
    expect([(await atAlice).emojis, (await atAlice).names], [(await atBob).emojis, (await atBob).names]);
    await alice.confirmVerify('bob', same: true);
    expect((await alice.peers()).single.verified, Verified.sas);
    await fails<UsageException>(() => alice.confirmVerify('bob', same: true));
  }));

  test('connections are closed and opened, and moved', () => storyOfTwo((alice, bob) async {
    final disconnected = bob.next<DisconnectedEvent>();
    await alice.disconnect('bob');
    expect((await disconnected).nickname, 'alice');
    final connected = bob.next<ConnectedEvent>();
    await alice.connect('bob');
    await connected;
    await alice.networkChanged();
    await alice.syncNow();
    await alice.setPace(Pace.background);
    await alice.setPace(Pace.foreground);
    check((await alice.diagnose()).trace.isNotEmpty);
  }));

  test('unsharing deletes the keys on both sides', () => storyOfTwo((alice, bob) async {
    final unshared = bob.next<UnsharedEvent>();
    await alice.unshare('bob');
    await unshared;
    expect([await alice.peers(), await bob.peers()], [<Peer>[], <Peer>[]]);
    expect((await alice.groups()).single.members.map((member) => member.nickname).toList(), ['me']);
  }));

  test('whoever comes second is refused, and the maker of the link is warned', () => story((service) async {
    final [alice, bob, eve] = await Future.wait(List.generate(3, (_) => openNode(service)));
    final SharedLink(:link) = await alice.share('bob', group: 'g');
    final synced = bob.next<SyncedEvent>();
    await bob.openLink('Look, Bob: $link !', nickname: 'alice');
    await synced;
    final (refused, alarm) = (eve.next<OpenRefusedEvent>(), alice.next<LinkOpenedAgainEvent>());
    await eve.openLink(link, nickname: 'alice');
    final problem = (await refused).problem;
    check(problem is LinkUsedException, problem);
    expect([problem.kind, problem.blame], ['link_used', Blame.peer]);
    expect([(await alarm).nickname, (await alarm).winner], ['bob', (await refused).winner]);
    expect((await eve.diagnose('alice')).findings.first.kind, 'link_used');
    expect((await alice.peers()).single.alarms, 1);
    await Future.wait([alice.close(), bob.close(), eve.close()]);
  }));

  test('what is no link is refused', () => story((service) async {
    final node = await openNode(service);
    final SharedLink(:link) = await node.share(
      'bob',
      group: 'g',
      expiresIn: const Duration(days: 1),
      placement: Placement.query,
    );
    check(link.contains('?connectoid='));
    final damaged = '${link.substring(0, link.indexOf('connectoid='))}connectoid=AAAA';
    for (final text in ['', 'hello', damaged, 'x' * 60000]) {
      await fails<LinkMalformedException>(() => node.openLink(text, nickname: 'alice'));
    }
    await fails<ConnectoidException>(() => node.openLink('x' * 70000, nickname: 'alice'));
    await fails<UsageException>(() => node.openLink('x' * (5 << 20), nickname: 'alice'));
    await fails<LinkOwnException>(() => node.openLink(link, nickname: 'bob'));
    await fails<UsageException>(() => node.share('bob', group: 'g'));
    await node.close();
  }));

  test('a link that was scanned in person is remembered as such', () => story((service) async {
    final (alice, bob) = (await openNode(service), await openNode(service));
    final shared = await alice.share('bob', group: 'g', expiresIn: const Duration(hours: 2));
    check(shared.expires.isAfter(DateTime.now().add(const Duration(minutes: 119))));
    expect((await alice.qr(shared.link)).sublist(1, 4), ascii.encode('PNG'));
    final svg = await alice.qr(shared.link, format: ImageFormat.svg);
    check(utf8.decode(svg).startsWith('<svg'));
    await fails<UsageException>(() => alice.qr(shared.link, scale: 33));
    await fails<UsageException>(() => alice.qr('x' * 3000));
    check(!'$shared'.contains(shared.link) && '$shared'.contains('expires'), shared);
    await bob.openLinkInPerson(shared.link, nickname: 'alice');
    expect((await bob.peers()).single.verified, Verified.inPersonQr);
    await Future.wait([alice.close(), bob.close()]);
  }));
}
