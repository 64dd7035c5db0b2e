/* Share, open, sync both ways, messages of bytes, an observer, cancelling, errors, closing. */

#include "support.h"

static void records_go_both_ways(peer *alice, peer *bob) {
  done(alice,
       "{\"method\":\"commit\",\"group\":\"g\",\"writes\":[{\"op\":\"put\",\"collection\":\"c\","
       "\"id\":\"milk\",\"fields\":{\"count\":2,\"note\":\"\xc3\xbc\"}}]}");
  await_event(bob, "\"milk\"");
  connectoid_message *reply = reply_to(
      bob, begin(bob, "{\"method\":\"get\",\"group\":\"g\",\"collection\":\"c\",\"id\":\"milk\"}", NULL, 0));
  CHECK(strstr(reply->json, "\"fields\":{\"count\":2,\"note\":\"\xc3\xbc\"}"));
  CHECK(reply->json_length == strlen(reply->json) && reply->bytes == NULL && reply->bytes_length == 0);
  CHECK(reply->node == bob->node);
  connectoid_free(reply);

  /* A byte value goes beside the JSON, on both sides. */
  const unsigned char picture[] = {9, 0, 255, 34, 10};
  uint64_t id = begin(bob,
                      "{\"method\":\"commit\",\"group\":\"g\",\"writes\":[{\"op\":\"put\","
                      "\"collection\":\"c\",\"id\":\"cat\",\"fields\":{\"p\":{\"$bytes\":[1,4]}}}]}",
                      picture, sizeof picture);
  connectoid_free(reply_to(bob, id));
  await_event(alice, "\"cat\"");
  reply = reply_to(alice, begin(alice, "{\"method\":\"list\",\"group\":\"g\",\"collection\":\"c\"}", NULL, 0));
  CHECK(strstr(reply->json, "{\"p\":{\"$bytes\":[0,4]}}"));
  CHECK(reply->bytes_length == 4 && memcmp(reply->bytes, picture + 1, 4) == 0);
  connectoid_free(reply);
}

static void messages_are_bytes(peer *alice, peer *bob) {
  enum { SIZE = 200000 };
  unsigned char *data = malloc(SIZE);
  CHECK(data != NULL);
  for (int i = 0; i < SIZE; i++) data[i] = (unsigned char)(i * 7);
  uint64_t id = begin(alice, "{\"method\":\"send\",\"nickname\":\"bob\"}", data, SIZE);
  connectoid_message *message = wait_for(bob, CONNECTOID_KIND_EVENT, 0, "\"event\":\"message\"");
  CHECK(strstr(message->json, "\"nickname\":\"alice\"") && !strstr(message->json, "\"data\""));
  CHECK(message->bytes_length == SIZE && memcmp(message->bytes, data, SIZE) == 0);
  connectoid_free(message);
  connectoid_free(reply_to(alice, id));
  free(data);
}

static void an_observer_follows(peer *alice, peer *bob) {
  uint64_t id = begin(bob, "{\"method\":\"changes\",\"group\":\"g\",\"collection\":\"c\"}", NULL, 0);
  connectoid_free(wait_for(bob, CONNECTOID_KIND_PAGE, id, "\"milk\""));
  connectoid_free(wait_for(bob, CONNECTOID_KIND_PAGE, id, "{\"records\":[]}"));
  done(alice,
       "{\"method\":\"commit\",\"group\":\"g\",\"writes\":[{\"op\":\"delete\",\"collection\":\"c\","
       "\"id\":\"milk\"}]}");
  connectoid_free(wait_for(bob, CONNECTOID_KIND_PAGE, id, "{\"records\":[{\"id\":\"milk\"}]}"));
  CHECK(connectoid_cancel(bob->node, id) == CONNECTOID_STATUS_OK);
  fails(bob, id, "cancelled");
  CHECK(connectoid_cancel(bob->node, id) == CONNECTOID_STATUS_NO_SUCH_ID);
}

/* As long as there is no such group, there is nothing in it. */
static void an_observer_waits_for_its_group(peer *bob) {
  uint64_t id = begin(bob, "{\"method\":\"changes\",\"group\":\"later\",\"collection\":\"c\"}", NULL, 0);
  connectoid_free(wait_for(bob, CONNECTOID_KIND_PAGE, id, "{\"records\":[]}"));
  done(bob, "{\"method\":\"create_group\",\"name\":\"later\"}");
  done(bob,
       "{\"method\":\"commit\",\"group\":\"later\",\"writes\":[{\"op\":\"put\",\"collection\":\"c\","
       "\"id\":\"tea\",\"fields\":{\"n\":1}}]}");
  connectoid_free(wait_for(bob, CONNECTOID_KIND_PAGE, id, "\"tea\""));
  CHECK(connectoid_cancel(bob->node, id) == CONNECTOID_STATUS_OK);
  fails(bob, id, "cancelled");
}

static void errors_have_kinds(peer *alice, peer *bob) {
  fails(alice, beginf(alice, "{\"method\":\"unshare\",\"nickname\":\"nobody\"}"), "usage");
  fails(alice, beginf(alice, "{\"method\":\"open\",\"nickname\":\"x\",\"link\":\"hello\"}"), "link_malformed");
  fails(alice, beginf(alice, "{\"method\":\"fly\"}"), "usage");
  fails(alice, beginf(alice, "{\"method\":\"verify\"}"), "usage");
  fails(alice, beginf(alice, "no JSON"), "usage");
  fails(alice, beginf(alice, "%s", ""), "usage");
  fails(alice, begin(alice, "{\"method\":\"peers\"}", "x", 1), "usage");
  fails(bob, beginf(bob, "{\"method\":\"share\",\"nickname\":\"eve\",\"group\":\"g\"}"), "not_permitted");
  fails(alice, beginf(alice, "{\"method\":\"leave_group\",\"group\":\"g\"}"), "not_permitted");
  fails(bob, beginf(bob, "{\"method\":\"accept_invitation\",\"group\":\"none\"}"), "usage");
  /* Integers of 2^53 and more are for texts. */
  fails(alice, beginf(alice, "{\"method\":\"commit\",\"group\":\"g\",\"writes\":[{\"op\":\"put\",\"collection\":\"c\","
                      "\"id\":\"n\",\"fields\":{\"n\":9007199254740992}}]}"), "usage");
}

/* Every other method is answered as METHODS.md says. */
static void every_method_answers(peer *alice, peer *bob) {
  const char *calls[][2] = {
      {"{\"method\":\"user_id\"}", "{\"reply\":\"user\",\"id\":\""},
      {"{\"method\":\"peers\"}", "{\"reply\":\"peers\",\"peers\":[{\"nickname\":\"bob\""},
      {"{\"method\":\"groups\"}", "{\"reply\":\"groups\",\"groups\":[{"},
      {"{\"method\":\"create_group\",\"name\":\"mine\"}", "{\"reply\":\"group\",\"id\":\""},
      {"{\"method\":\"add_member\",\"nickname\":\"bob\",\"group\":\"mine\"}", "{\"reply\":\"done\"}"},
      {"{\"method\":\"remove_member\",\"nickname\":\"bob\",\"group\":\"mine\"}", "{\"reply\":\"done\"}"},
      {"{\"method\":\"accept_invitation\",\"group\":\"mine\"}", "{\"reply\":\"done\"}"},
      {"{\"method\":\"forget_group\",\"group\":\"mine\"}", "{\"reply\":\"done\"}"},
      {"{\"method\":\"history\",\"group\":\"g\",\"collection\":\"c\",\"id\":\"milk\"}",
       "{\"reply\":\"history\",\"versions\":[{"},
      {"{\"method\":\"doctor\"}", "{\"reply\":\"diagnosis\",\"findings\":["},
      {"{\"method\":\"set_pace\",\"pace\":\"background\"}", "{\"reply\":\"done\"}"},
      {"{\"method\":\"set_pace\",\"pace\":\"foreground\"}", "{\"reply\":\"done\"}"},
      {"{\"method\":\"sync_now\"}", "{\"reply\":\"done\"}"},
      {"{\"method\":\"verify\",\"nickname\":\"bob\"}", "{\"reply\":\"done\"}"},
  };
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    connectoid_message *reply = reply_to(alice, begin(alice, calls[i][0], NULL, 0));
    if (strncmp(reply->json, calls[i][1], strlen(calls[i][1])) != 0) {
      fprintf(stderr, "%s is answered by %s\n", calls[i][0], reply->json);
      exit(1);
    }
    connectoid_free(reply);
  }
  await_event(bob, "\"event\":\"emojis\"");
  await_event(alice, "\"event\":\"emojis\"");
  done(alice, "{\"method\":\"confirm_verify\",\"nickname\":\"bob\",\"same\":true}");

  connectoid_message *image = reply_to(
      alice, beginf(alice, "{\"method\":\"qr\",\"link\":\"https://app.example/#connectoid=x\",\"format\":\"png\"}"));
  CHECK(strcmp(image->json, "{\"reply\":\"image\"}") == 0);
  CHECK(image->bytes_length > 100 && memcmp(image->bytes, "\x89PNG\r\n\x1a\n", 8) == 0);
  connectoid_free(image);

  /* That of the pairing. */
  await_event(bob, "\"event\":\"connected\"");
  done(alice, "{\"method\":\"disconnect\",\"nickname\":\"bob\"}");
  await_event(bob, "\"event\":\"disconnected\"");
  done(alice, "{\"method\":\"connect\",\"nickname\":\"bob\"}");
  await_event(bob, "\"event\":\"connected\"");
  done(alice, "{\"method\":\"network_changed\"}");
}

/* A message to somebody who is not there waits, until it is taken back or the node is closed. */
static void a_call_that_waits_can_be_taken_back(peer *alice, const char *service) {
  peer carol;
  open_peer(&carol, service);
  pair(alice, &carol, "carol", "g2");
  close_peer(&carol);
  await_event(alice, "\"event\":\"disconnected\",\"nickname\":\"carol\"");
  uint64_t id = begin(alice, "{\"method\":\"send\",\"nickname\":\"carol\"}", "hi", 2);
  /* Calls begin in order: when this one is answered, that one has begun. */
  done(alice, "{\"method\":\"peers\"}");
  CHECK(connectoid_call(alice->node, id, "{}", 2, NULL, 0) == CONNECTOID_STATUS_ID_IN_USE);
  CHECK(connectoid_cancel(alice->node, id) == CONNECTOID_STATUS_OK);
  fails(alice, id, "cancelled");
}

static void closing_answers_everybody(peer *alice, peer *bob) {
  uint64_t observer = begin(alice, "{\"method\":\"changes\",\"group\":\"g\",\"collection\":\"c\"}", NULL, 0);
  uint64_t waiting = begin(alice, "{\"method\":\"send\",\"nickname\":\"carol\"}", "hi", 2);
  /* Closed during sync. */
  uint64_t commit = begin(alice,
                          "{\"method\":\"commit\",\"group\":\"g\",\"writes\":[{\"op\":\"put\",\"collection\":\"c\","
                          "\"id\":\"late\",\"fields\":{\"n\":1}}]}",
                          NULL, 0);
  close_node(alice);
  connectoid_free(reply_to(alice, commit));
  fails(alice, observer, "closed");
  fails(alice, waiting, "closed");
  fails(alice, begin(alice, "{\"method\":\"peers\"}", NULL, 0), "closed");
  fails(alice, begin(alice, "{\"method\":\"get\",\"group\":\"g\",\"collection\":\"c\",\"id\":\"x\"}", NULL, 0),
        "closed");
  close_node(alice);
  release_peer(alice);
  CHECK(connectoid_call(alice->node, 1, "{}", 2, NULL, 0) == CONNECTOID_STATUS_NO_SUCH_NODE);
  CHECK(connectoid_release(alice->node) == CONNECTOID_STATUS_NO_SUCH_NODE);
  done(bob, "{\"method\":\"unshare\",\"nickname\":\"alice\"}");
  close_peer(bob);
}

int main(int count, char **arguments) {
  CHECK(count == 2);
  CHECK(strcmp(connectoid_version(), CONNECTOID_VERSION) == 0);
  peer alice, bob;
  open_peer(&alice, arguments[1]);
  open_peer(&bob, arguments[1]);
  pair(&alice, &bob, "bob", "g");
  records_go_both_ways(&alice, &bob);
  messages_are_bytes(&alice, &bob);
  an_observer_follows(&alice, &bob);
  an_observer_waits_for_its_group(&bob);
  errors_have_kinds(&alice, &bob);
  every_method_answers(&alice, &bob);
  a_call_that_waits_can_be_taken_back(&alice, arguments[1]);
  closing_answers_everybody(&alice, &bob);
  return 0;
}
